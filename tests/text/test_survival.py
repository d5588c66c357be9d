"""Whatever a model says, links, placeholders, inline code, lists and indentation survive, or the original comes back.

The sources are made of known spans, so what must survive is not told by the rules under test.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.generation import FinishReason
from ingle.text.guards import Reason, judge
from ingle.text.improve import TextResult, improve
from ingle.text.speech import clean_speech
from ingle.text.tool import Output, load_tools
from tests.text.scripted import ScriptedModel

SPANS = (
    "[the docs](http://a.example/x)",
    '[um](b.html "a title")',
    "![alt text](pic.png)",
    "[a note][ref]",
    "[^1]",
    "[[Page]]",
    "<https://c.example>",
    "anna@d.example",
    "{name}",
    "{{ x }}",
    "{% if um %}",
    "{}",
    "${HOME}",
    "$VAR",
    "%PATH%",
    "%s",
    "%d",
    "%(n)s",
    "[NAME]",
    "<br>",
    "<b>bold</b>",
    "`um um code`",
    "``a ` b``",
    "**strong**",
    "*soft*",
    "__strong__",
    "_soft_",
    "~~gone~~",
    "==seen==",
    ":x:",
    ":+1:",
    "&nbsp;",
    "\\*",
    "$a+b$",
)
WORDS = st.sampled_from("teh cat sat um near the river and we goed home comma with Anna 7 times.".split())
MARKERS = ("", "- ", "  - ", "    1. ", "> ", "# ", "- [ ] ", "1) ")
TOOLS = {name: tool for name, tool in load_tools().items() if tool.output is Output.SAME}


@st.composite
def lines(draw: st.DrawFn) -> str:
    parts = draw(st.lists(WORDS | st.sampled_from(SPANS), min_size=1, max_size=8))
    return (
        draw(st.sampled_from(MARKERS))
        + " ".join(parts)
        + draw(st.sampled_from(["\n", "\n\n", "\r\n", "  \n"]))
    )


SOURCES = st.lists(lines(), min_size=1, max_size=6).map("".join)


@st.composite
def spoiled(draw: st.DrawFn, prompt: str) -> str:
    """The text of a prompt as a careless model gives it back: pieces dropped, swapped, said twice, changed."""
    text = re.split(r"\n\n|: ", prompt, maxsplit=1)[-1]
    pieces = re.split(r"( )", text)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(pieces) - 1))
        other = draw(st.integers(0, len(pieces) - 1))
        how = draw(st.sampled_from("drop twice swap cut junk".split()))
        if how == "drop":
            pieces[at] = ""
        elif how == "twice":
            pieces[at] = f"{pieces[at]} {pieces[at]}"
        elif how == "swap":
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif how == "cut":
            pieces[at] = pieces[at][1:] if draw(st.booleans()) else pieces[at][:-1]
        else:
            pieces[at] = draw(st.sampled_from([*SPANS, "\n", "```", "- ", "nice"]))
    return "".join(pieces)


async def run(tool: str, text: str, model: ScriptedModel) -> TextResult:
    options = {"to": "en"} if tool == "translate" else {}
    events = [event async for event in improve(TOOLS[tool], text, model, options=options)]
    result = events[-1].result
    assert result is not None
    return result


MARKS = re.compile(
    r"\]\(http://a\.example/x\)|\]\(b\.html \"a title\"\)|\]\(pic\.png\)|\]\[ref\]|\[\^1\]|\[\[Page\]\]|\[NAME\]|"
    r"<https://c\.example>|anna@d\.example|\{name\}|\{\{ x \}\}|\{% if um %\}|\$?\{\}|\$\{HOME\}|\$VAR\b|(?<!\d)%PATH%|%[sd]\b|%\(n\)s|"
    r"<br>|</?b>|`um um code`|``a ` b``|&nbsp;|\\\*|\$a\+b\$|~~|[*_]"
)
"""Of a link its target, of emphasis its marks: the words inside are prose."""


def counted(text: str) -> Counter[str]:
    return Counter(MARKS.findall(text))


def opening(text: str) -> list[str]:
    return [
        match[0]
        for line in text.splitlines()
        if (match := re.match(r"[ \t>]*(?:(?:[-*+]|\d+[.)]|#+) (?:\[ \] )?)?", line))
    ]


@pytest.mark.slow
@given(st.sampled_from(sorted(TOOLS)), SOURCES, st.data())
@settings(max_examples=200, deadline=None)
async def test_whatever_a_model_does_to_a_text_its_markup_is_that_of_the_source(
    tool: str, text: str, data: st.DataObject
) -> None:
    result = await run(tool, text, ScriptedModel(lambda prompt, _n: data.draw(spoiled(prompt))))
    assert counted(result.text) == counted(text)
    assert result.text[len(result.text.rstrip()) :] == text[len(text.rstrip()) :]
    if tool in ("proofread", "dictation"):
        assert opening(result.text) == opening(text)
    if not result.changed:
        assert result.text == text
    for kept in result.kept:
        assert text[kept.start : kept.end] in result.text
        assert kept.reason


@pytest.mark.parametrize("span", SPANS)
def test_no_tool_takes_an_answer_without_a_span_of_the_text(span: str) -> None:
    source, answer = (
        f"we will goes there {span} with the others tomorrow",
        "We will go there with the others tomorrow.",
    )
    for tool in TOOLS:
        assert judge(TOOLS[tool], source, answer, FinishReason.STOP, "en") is not None, tool


@pytest.mark.slow
@pytest.mark.parametrize("span", SPANS)
def test_a_correction_that_keeps_the_span_is_taken(span: str) -> None:
    source, answer = (
        f"we will goes there {span} with the others tomorrow",
        f"We will go there {span} with the others tomorrow.",
    )
    for tool in ("proofread", "dictation", "rewrite"):
        assert judge(TOOLS[tool], source, answer, FinishReason.STOP) is None, tool


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("The %s costs %d euros today.", "Today %d euros is what the %s costs."),
        ("Put {} before {} and %s, please.", "Please put %s after {} and {}."),
        ("this is <b>very</b> good for us", "This is </b>very<b> good for us."),
        ("see [the docs](http://a.b) for more of it", "See the docs](http://a.b) for more of [it."),
        (
            "see ![a picture](a.png) and [the docs](http://a.b) now",
            "See ![a [picture](a.png) and the docs](http://a.b) now.",
        ),
        ("this is **very** good for all of us", "This is ** very** good for all of us."),
    ],
)
@pytest.mark.parametrize("tool", ["rewrite", "translate"])
def test_what_broke_on_its_way_is_lost_too(tool: str, source: str, answer: str) -> None:
    assert judge(TOOLS[tool], source, answer, FinishReason.STOP, "en") is Reason.LOST_MARKUP


@pytest.mark.parametrize("span", [span for span in SPANS if "um" in span] + ["http://a.b/um/um"])
def test_the_pipeline_before_the_model_leaves_a_span_alone(span: str) -> None:
    assert clean_speech(f"um look at {span} um now", "en") == f"look at {span} now"
