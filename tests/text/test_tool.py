from __future__ import annotations

from pathlib import Path

import pytest

from ingle.errors import InvalidConfig, InvalidRequest
from ingle.text.tool import Tool, find_tool, load_tools, parse_tool

BUILT_IN = {
    "proofread",
    "rewrite",
    "friendly",
    "professional",
    "concise",
    "summary",
    "keypoints",
    "table",
    "dictation",
    "translate",
    "custom",
}


def test_the_built_in_tools_are_all_there_and_say_what_they_do() -> None:
    tools = load_tools()
    assert set(tools) == BUILT_IN
    assert all(tool.intent and tool.system and "{text}" in tool.user for tool in tools.values())


def test_a_person_adds_and_replaces_tools_in_their_own_folder(tmp_path: Path) -> None:
    (tmp_path / "pirate.md").write_text(
        "---\nname: pirate\nintent: Arr.\n---\nTalk like a pirate.\n===\n{text}\n"
    )
    (tmp_path / "table.md").write_text("---\nname: table\nintent: Mine.\n---\nS\n===\n{text}\n")
    assert find_tool("pirate", tmp_path).system == "Talk like a pirate."
    assert find_tool("table", tmp_path).intent == "Mine."


def test_an_unknown_tool_is_refused_with_the_list() -> None:
    with pytest.raises(InvalidRequest) as caught:
        find_tool("poem")
    assert "proofread" in caught.value.hint


@pytest.mark.parametrize(
    "source",
    [
        "no front matter",
        "---\nname: x\n---\nno user prompt",
        "---\nname: [\n---\ns\n===\n{text}",
        "---\nname: x\nintent: y\ncolour: red\n---\ns\n===\n{text}",
        "---\nintent: y\n---\ns\n===\n{text}",
        "---\nname: x\nintent: y\n---\ns\n===\nno field",
        "---\nname: Two words\nintent: y\n---\ns\n===\n{text}",
        "---\nname: x\nintent: y\ntemperature: -1\n---\ns\n===\n{text}",
        "---\nname: x\nintent: y\nmax_input: 0\n---\ns\n===\n{text}",
        "---\n- x\n---\ns\n===\n{text}",
    ],
)
def test_a_tool_file_that_does_not_parse_names_the_file(source: str) -> None:
    with pytest.raises(InvalidConfig, match=r"mine\.md"):
        parse_tool(source, "mine.md")


def test_a_tool_file_may_have_the_line_ends_of_any_editor() -> None:
    source = "\ufeff---\r\nname: x\r\nintent: y\r\n---\r\nS\r\n===\r\nDo: {text}\r\n"
    assert parse_tool(source, "mine.md").user == "Do: {text}"


def test_white_space_that_nobody_sees_parts_a_tool_file_too() -> None:
    assert (
        parse_tool("--- \nname: x\nintent: y\n---\t\nS\n===  \nDo: {text}\n", "mine.md").user == "Do: {text}"
    )


def test_a_broken_file_spoils_its_own_tool_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "pirate.md").write_text("---\nname: [\n---\nS\n===\n{text}\n")
    (tmp_path / "table.md").write_bytes(b"\xff\xfe")
    assert find_tool("proofread", tmp_path).name == "proofread"
    for name in ("pirate", "table"):
        with pytest.raises(InvalidConfig, match=rf"{name}\.md"):
            find_tool(name, tmp_path)


def test_an_unknown_tool_beside_a_broken_file_is_told_first_and_what_that_might_be_after(
    tmp_path: Path,
) -> None:
    (tmp_path / "pirate.md").write_text("---\nname: [\n---\nS\n===\n{text}\n")
    with pytest.raises(InvalidRequest) as caught:
        find_tool("buccaneer", tmp_path)
    assert caught.value.message == "There is no text tool called buccaneer."
    assert caught.value.hint.startswith("There are: ") and "pirate.md" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("translate", "translate needs a language to translate into.", "ingle text translate --to French"),
        ("custom", "custom needs an instruction.", "ingle text custom 'make it rhyme'"),
        ("simple", "simple needs `audience`.", "ingle text simple --option audience=..."),
    ],
)
def test_a_missing_option_is_told_by_what_it_is_for_and_how_it_is_given(
    name: str, message: str, hint: str
) -> None:
    own = Tool(name="simple", intent="x", needs="audience")
    tool = own if name == "simple" else find_tool(name)
    with pytest.raises(InvalidRequest) as caught:
        tool.fill("", {})
    assert caught.value.message == message
    assert caught.value.hint.startswith(hint)
    assert f"Python: {tool.needs}=..." in caught.value.hint
