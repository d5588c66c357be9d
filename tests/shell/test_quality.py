from __future__ import annotations

from pathlib import Path

from ingle.shell.quality import outcome, parse_requests, run_request
from tests.shell.test_suggest import HERE, ScriptedModel, answer

DATA = Path(__file__).parents[2] / "bench" / "data" / "nl2cmd.jsonl"


def test_every_reference_answer_passes() -> None:
    requests = parse_requests(DATA.read_bytes().splitlines())
    assert len(requests) == 20
    assert [(r.request, good) for r in requests for good in r.reference if outcome(r, good) != "passed"] == []


async def test_outcomes_are_counted_apart() -> None:
    chmod = next(r for r in parse_requests(DATA.read_bytes().splitlines()) if "deploy.sh" in r.request)
    for said, expected in [
        (answer("chmod +x deploy.sh"), "passed"),
        (answer("chmod 777 deploy.sh"), "forbidden"),
        (answer("ls"), "wrong"),
        (answer("", "Which file?"), "asked"),
    ]:
        assert (await run_request(chmod, HERE, ScriptedModel(said))).outcome == expected
    assert (await run_request(chmod, HERE, ScriptedModel("no", "no"))).outcome == "unreadable"
