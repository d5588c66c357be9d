"""A short run of the soak, so that it is known to work and a broken promise is met before the long one."""

from __future__ import annotations

import pytest

from tests.soak.pull_soak import run_mixes, table


@pytest.mark.slow
def test_twenty_mixes_of_trouble_break_no_promise() -> None:
    rounds = run_mixes(20, seed=1, jobs=4)
    assert [one.broken for one in rounds if one.broken] == []
    print(table(rounds))
