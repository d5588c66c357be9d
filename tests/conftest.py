"""What every room's tests share."""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.examples import draw_the_same_in_each_run

# How long an example takes says more about the machine than about the code: no deadline, no "too slow".
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
# The examples of a test are the same in each run, so that a failure is the change's and not the day's nor the
# order's; `make fuzz` looks for new ones.
settings.register_profile("whole", CALM, derandomize=True, max_examples=100)
settings.register_profile("fast", CALM, derandomize=True, max_examples=25)
settings.register_profile("search", CALM, max_examples=1000)


def pytest_configure(config: pytest.Config) -> None:
    """The fast suite tries a quarter of the examples; everything else hypothesis's own hundred."""
    if not config.option.hypothesis_profile:
        settings.load_profile("fast" if "not slow" in config.option.markexpr else "whole")
        draw_the_same_in_each_run()


# A run that was started in the background ignores Ctrl-C, and so would every process a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
