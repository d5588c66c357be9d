"""Every script in `bench/` starts, and every command of them that is written down exists with its options."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SCRIPTS = [path for path in sorted((ROOT / "bench").glob("*.py")) if "__main__" in path.read_text()]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *SCRIPTS]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def written(script: Path) -> set[str]:
    """The options with which pages and docstrings tell to call a script."""
    calls = re.compile(rf"python bench/{script.name}([^`\n#]*)")
    return {
        option
        for page in PAGES
        for call in calls.findall(page.read_text())
        for option in OPTION.findall(call)
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_starts_and_has_every_option_that_is_written_down(script: Path) -> None:
    asked = [sys.executable, str(script), "--help"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=ROOT)
    usage, _, options = done.stdout.partition("options:")
    assert written(script) <= set(OPTION.findall(usage.split("\n\n")[0] + options))


def test_every_script_that_is_written_down_is_there() -> None:
    named = {name for page in PAGES for name in re.findall(r"\bbench/(\w+\.py)", page.read_text())}
    assert {name for name in named if not (ROOT / "bench" / name).is_file()} == set()


def test_the_page_of_figures_names_the_command_of_every_script() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert [script.name for script in SCRIPTS if f"python bench/{script.name}" not in page] == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("shell", ["nowhere.jsonl"]),
        ("throughput", ["nowhere.gguf"]),
        ("gguf_header", ["nowhere.gguf"]),
        ("mlx", ["--model", "nowhere"]),
        ("pull", ["--folder", "nowhere"]),
        ("pull", ["--only", "nowhere"]),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(script: str, words: list[str], tmp_path: Path) -> None:
    asked = [sys.executable, str(ROOT / "bench" / f"{script}.py"), *words]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no row"),
        ('{"id": "1"}', "line 1 is no object with"),
        ("[]", "line 1 is no object with"),
        ("{", "is no labelled file"),
    ],
)
def test_a_file_that_is_not_labelled_is_said_in_a_sentence(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(content)
    asked = [sys.executable, str(ROOT / "bench" / "shell.py"), "rows.jsonl"]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_plan_that_the_pull_measures_is_one_that_a_pull_takes(tmp_path: Path) -> None:
    script = str(ROOT / "bench" / "pull.py")
    with socket.create_server(("127.0.0.1", 0)) as free:  # no other run may have the usual port
        place = ["--folder", str(tmp_path), "--port", str(free.getsockname()[1])]
    asked = [sys.executable, script, "--only", "plan", "--mib", "1", *place]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert "plan of 100002 files: " in done.stdout
