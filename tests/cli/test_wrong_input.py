"""What a newcomer types wrong: each message names the mistake, and the next step is one that helps."""

from __future__ import annotations

import pytest
from bench.startup import fill_cache

from tests.catalog.gguf_writer import llama
from tests.cli.conftest import DONE, READY, Place, chunk
from tests.cli.fake_daemon import FakeDaemon, Lines

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def answering(daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/generate"] = Lines([READY, chunk("Blue."), DONE])


def test_a_prompt_in_quotes_without_a_model_goes_to_the_one_that_is_here(
    place: Place, daemon: FakeDaemon
) -> None:
    fill_cache(place.cache, 1)
    found = place.ingle("run", "Why is the sky blue?")
    assert (found.exit_code, found.stdout) == (0, "Blue.\n")
    (body,) = daemon.bodies("/ingle/generate")
    assert body["model"] == "bench/model-000"
    assert body["messages"] == [{"role": "user", "content": "Why is the sky blue?"}]


def test_a_default_that_is_a_file_goes_before_the_only_model_of_the_cache(
    place: Place, daemon: FakeDaemon
) -> None:
    fill_cache(place.cache, 1)
    mine = place.root / "mine.gguf"
    mine.write_bytes(llama())
    assert place.ingle("run", "Why is the sky blue?", INGLE_DEFAULT_MODEL=str(mine)).exit_code == 0
    (body,) = daemon.bodies("/ingle/generate")
    assert body["model"] == str(mine)


def test_more_words_behind_a_prompt_in_quotes_belong_to_it(place: Place, daemon: FakeDaemon) -> None:
    fill_cache(place.cache, 1)
    place.ingle("run", "Summarise this:", "notes", stdin="and more")
    (body,) = daemon.bodies("/ingle/generate")
    assert body["messages"][0]["content"] == "Summarise this: notes\n\nand more"


def test_a_path_with_a_space_is_a_path_all_the_same(place: Place, daemon: FakeDaemon) -> None:
    place.ingle("run", "/my models/some.gguf", "Hi")
    (body,) = daemon.bodies("/ingle/generate")
    assert body["model"] == "/my models/some.gguf"
    file = place.root / "my model.gguf"
    file.write_text("x")
    place.ingle("run", str(file), "Hi")
    assert daemon.bodies("/ingle/generate")[1]["model"] == str(file)


def test_a_prompt_in_quotes_where_no_model_is_here_is_told_how_to_name_one(
    place: Place, daemon: FakeDaemon
) -> None:
    found = place.ingle("run", "Why is the sky blue?")
    assert found.exit_code == 2
    assert "Which model?" in found.stderr
    assert "ingle run starter PROMPT" in found.stderr
    assert daemon.bodies("/ingle/generate") == []


def test_a_prompt_without_quotes_is_told_where_the_model_goes(place: Place) -> None:
    found = place.ingle("run", "Why", "is", "the", "sky", "blue?")
    assert found.exit_code == 1
    assert "There is no model called 'Why'" in found.stderr
    assert "ingle run 'Why is the sky blue?'" in found.stderr
    assert "ingle run MODEL" in found.stderr


@pytest.mark.parametrize("piped", [None, "some notes\n"])
def test_a_single_word_that_is_no_model_is_told_as_both_that_it_may_be(
    place: Place, piped: str | None
) -> None:
    found = place.ingle("run", "Hello", stdin=piped)
    assert found.exit_code == 1
    assert "There is no model called 'Hello'" in found.stderr
    assert "ingle run MODEL Hello" in found.stderr and "ingle run Hello" not in found.stderr


def test_a_default_model_that_is_none_names_the_setting(place: Place) -> None:
    for words in (["run"], ["run", "default", "Hi"], ["load", "default"]):
        found = place.ingle(*words, INGLE_DEFAULT_MODEL="nosuch")
        assert found.exit_code == 1
        assert "no model called 'nosuch'" in found.stderr
        assert "default_model" in found.stderr and "INGLE_DEFAULT_MODEL" in found.stderr


def test_a_context_beyond_every_engine_is_refused_by_the_option(place: Place, daemon: FakeDaemon) -> None:
    found = place.ingle("run", "/models/some.gguf", "--context", "99999999", "Hi")
    assert found.exit_code == 2
    assert "--context" in found.stderr and "/docs" not in found.stderr
    assert daemon.bodies("/ingle/generate") == []


def test_check_without_a_command_shows_how_one_is_given(place: Place) -> None:
    found = place.ingle("check")
    assert found.exit_code == 2
    assert "ingle check 'rm -rf build'" in found.stderr and "`-`" in found.stderr


def test_a_repair_of_what_is_not_here_fetches_nothing(place: Place) -> None:
    found = place.ingle("repair", "starter")
    assert found.exit_code == 1
    assert "starter is not on this machine" in found.stderr
    assert "ingle pull starter" in found.stderr


def test_a_folder_without_a_model_is_not_said_to_be_mended_by_a_repair(place: Place) -> None:
    (place.root / "empty").mkdir()
    for verb in ("verify", "export"):
        more = [str(place.root / "out")] if verb == "export" else []
        found = place.ingle(verb, str(place.root / "empty"), *more)
        assert found.exit_code == 1
        assert "ingle repair" not in found.stderr


def test_the_doctor_comes_also_where_no_hub_can_be_trusted(place: Place) -> None:
    found = place.ingle("doctor", SSL_CERT_FILE=str(place.root / "none.pem"))
    assert found.exit_code == 1 and "unset SSL_CERT_FILE" in found.stdout
