"""Both real engines make the same tokens of a prompt, whoever writes the first of them."""

from __future__ import annotations

import pytest

from ingle.generation import Generation, Message, Role
from ingle.worker.process import WorkerProcess
from tests.contract.asking import ask, chat, plain

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

BARE = "{{ messages[0].content }}"
MARKED = "{{ bos_token }}{{ messages[0].content }}"
MARK = "<|im_start|>"
TEXT = "Hello there"
TOKENS = 2  # of that text


async def test_plain_text_gets_the_first_token_that_the_tokenizer_adds(bos_worker: WorkerProcess) -> None:
    assert await bos_worker.count_tokens(plain(TEXT)) == TOKENS + 1
    assert (await ask(bos_worker, plain(TEXT, max_tokens=1))).usage.prompt_tokens == TOKENS + 1


async def test_plain_text_that_has_its_first_token_gets_no_second(bos_worker: WorkerProcess) -> None:
    assert await bos_worker.count_tokens(plain(MARK + TEXT)) == TOKENS + 1
    assert await bos_worker.count_tokens(plain(MARK * 2 + TEXT)) == TOKENS + 2


@pytest.mark.parametrize(("template", "tokens"), [(BARE, TOKENS), (MARKED, TOKENS + 1)], ids=["none", "one"])
async def test_a_chat_has_the_tokens_that_its_template_writes_and_no_other(
    bos_worker: WorkerProcess, template: str, tokens: int
) -> None:
    asked = chat(TEXT, template=template, max_tokens=1)
    assert await bos_worker.count_tokens(asked) == tokens
    assert (await ask(bos_worker, asked)).usage.prompt_tokens == tokens


async def test_what_a_model_thought_before_reaches_a_template_that_shows_it(worker: WorkerProcess) -> None:
    shows = "{% for m in messages %}{{ m.reasoning_content or '' }}{{ m.content }}{% endfor %}"
    told = [
        await worker.count_tokens(
            Generation(
                messages=(Message(role=Role.ASSISTANT, content=TEXT, reasoning=thought),), template=shows
            )
        )
        for thought in ("", TEXT)
    ]
    assert told == [TOKENS, TOKENS * 2]


async def test_an_empty_prompt_is_the_token_that_the_tokenizer_adds(bos_worker: WorkerProcess) -> None:
    assert await bos_worker.count_tokens(plain("")) == 1


async def test_an_empty_prompt_is_the_end_of_a_text_where_the_tokenizer_adds_nothing(
    worker: WorkerProcess,
) -> None:
    assert await worker.count_tokens(plain("")) == 1
