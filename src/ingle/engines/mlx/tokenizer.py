"""Reads a model folder's tokenizer with the `tokenizers` package alone; text to ids, ids to text as they come."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from ingle.engines.mlx.lean import without_torch
from ingle.engines.reasoning import FORMATS
from ingle.engines.toolformats import visible_marks
from ingle.errors import FileMissing, LoadFailed, MalformedModel

_ENDS = frozenset(
    {
        "<|endoftext|>",
        "<|end_of_text|>",
        "<|im_end|>",
        "<|eot_id|>",
        "<|eom_id|>",
        "<|endofturn|>",
        "<end_of_turn>",
        "<end_of_utterance>",
        "<｜end▁of▁sentence｜>",
        "<eos>",
        "</s>",
    }
)
"""Control tokens that end a text by their very name. A folder often names one of them as its end where its model
writes several, and llama.cpp stops at all of them, whatever a file says."""

_CONTEXT_TOKENS = 4  # of the prompt, so that the first token's leading space is decoded in its place


class ModelTokenizer:
    """The tokenizer of one model folder. Safe to use from several threads.

    `template` is the chat template's text or None; `eos` the ids that end an answer, `first_eos` the one that the
    folder names (None: it names none).
    """

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self._tokenizer = _open(folder)
        settings = read_json(folder / "tokenizer_config.json") or {}
        self.bos_text = _token_text(settings.get("bos_token"))
        self.eos_text = _token_text(settings.get("eos_token"))
        self.template = _template(folder, settings)
        named = self._eos_ids(config)
        self.first_eos = min(named, default=None)
        self.eos = named | self._ending_ids()
        self.size = self._tokenizer.get_vocab_size(with_added_tokens=True)
        self._hidden = self._hidden_ids()
        self._grammar: Any = None
        self._building = threading.Lock()

    def encode(self, text: str, *, special: bool) -> list[int]:
        """`special` lets the tokenizer add its own marks (a BOS); templates write theirs themselves."""
        found: list[int] = self._tokenizer.encode(text, add_special_tokens=special).ids
        return found

    def decode(self, ids: list[int]) -> str:
        """The text of `ids`, special tokens included."""
        text: str = self._tokenizer.decode(ids, skip_special_tokens=False)
        return text

    def token_text(self, token: int) -> str:
        """One token as text; half a character shows as a replacement mark."""
        return self.decode([token])

    def is_shown(self, token: int) -> bool:
        """Whether the token is part of a text that people see."""
        return token not in self._hidden

    def token_id(self, text: str) -> int | None:
        """The id of a token of the vocabulary, by its text."""
        found: int | None = self._tokenizer.token_to_id(text)
        return found

    def detokenizer(self, context: Iterable[int] = ()) -> Detokenizer:
        """One for each answer; `context` are the ids of a plain prompt that the answer continues."""
        return Detokenizer(self.decode, self._hidden, tuple(context)[-_CONTEXT_TOKENS:])

    def for_grammars(self, vocabulary: int) -> Any:
        """The same vocabulary for llguidance, built at its first use (half a second for 49k tokens)."""
        with self._building:
            if self._grammar is None:
                from llguidance import LLTokenizer

                most = max(vocabulary, self.size)
                ends = [token for token in sorted(self.eos) if 0 <= token < most]
                self._grammar = LLTokenizer(self._tokenizer.to_str(), n_vocab=most, eos_token=ends)
            return self._grammar

    def _eos_ids(self, config: dict[str, Any]) -> frozenset[int]:
        given = config.get("eos_token_id")
        ids = set(given) if isinstance(given, list) else ({given} if given is not None else set())
        named = self.token_id(self.eos_text) if self.eos_text else None
        if named is not None:
            ids.add(named)
        return frozenset(int(found) for found in ids)

    def _ending_ids(self) -> frozenset[int]:
        """Control tokens of the vocabulary that end a text, named as its end or not."""
        added = self._tokenizer.get_added_tokens_decoder()
        return frozenset(token for token, one in added.items() if one.special and one.content in _ENDS)

    def _hidden_ids(self) -> frozenset[int]:
        """Special tokens never shown; the marks of reasoning and calls are, for those who look for them."""
        marks = {mark for kind in FORMATS for mark in (kind.open, kind.close)} | visible_marks()
        return frozenset(
            token
            for token, added in self._tokenizer.get_added_tokens_decoder().items()
            if added.special and added.content not in marks
        )


class Detokenizer:
    """Turns ids into text as they come; holds bytes back until they are whole characters.

    The text of a token depends on its neighbours, so a short window is decoded with and without the new
    token and the difference is new (the method of Hugging Face's text-generation-inference).
    """

    def __init__(
        self, decode: Callable[[list[int]], str], hidden: frozenset[int], context: tuple[int, ...] = ()
    ) -> None:
        self._decode = decode
        self._hidden = hidden
        self._ids = list(context)
        self._shown = len(self._ids)
        self._before = decode(self._ids) if self._ids else ""

    def push(self, token: int) -> str:
        """The text that `token` makes readable; often its own, sometimes none yet."""
        if token in self._hidden:
            return ""
        self._ids.append(token)
        now = self._decode(self._ids)
        if now.endswith("\ufffd") or len(now) <= len(self._before):
            return ""
        new = now[len(self._before) :]
        del self._ids[: self._shown]
        self._shown = len(self._ids)
        self._before = self._decode(self._ids)
        return new

    def flush(self) -> str:
        """What was held back, once no more tokens come: broken characters show as replacement marks."""
        now = self._decode(self._ids) if self._shown < len(self._ids) else self._before
        new, self._ids, self._shown, self._before = now[len(self._before) :], [], 0, ""
        return new


def _open(folder: Path) -> Any:
    path = folder / "tokenizer.json"
    if path.is_file():
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as exc:  # the package raises bare Exception for malformed files
            raise MalformedModel(path, f"no tokenizer: {exc}") from exc
    else:
        tokenizer = _converted(folder)
    # a tokenizer.json may carry the truncation it was trained with: prompts are never cut
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _converted(folder: Path) -> Any:
    """Folders without tokenizer.json: transformers knows how to convert the older kinds."""
    if not any(
        (folder / name).is_file() for name in ("tokenizer.model", "vocab.json", "tokenizer_config.json")
    ):
        raise FileMissing(folder / "tokenizer.json")
    try:
        with without_torch():
            from transformers import AutoTokenizer

            found = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
            return found.backend_tokenizer
    except Exception as exc:
        raise LoadFailed(
            f"The tokenizer of {folder.name} cannot be read: {exc}.",
            hint="Ingle needs a tokenizer.json, or a kind that transformers can turn into one.",
        ) from exc


def _template(folder: Path, settings: dict[str, Any]) -> str | None:
    """In the order transformers looks: a .jinja file, chat_template.json, tokenizer_config.json."""
    jinja = folder / "chat_template.jinja"
    if jinja.is_file():
        return jinja.read_text(encoding="utf-8")
    given = (read_json(folder / "chat_template.json") or settings).get("chat_template")
    if isinstance(given, list):
        named = {entry.get("name"): entry.get("template") for entry in given if isinstance(entry, dict)}
        given = named.get("default") or next(iter(named.values()), None)
    return given if isinstance(given, str) and given else None


def _token_text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object from a file; None when there is no file. Raises `MalformedModel`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as exc:
        raise MalformedModel(path, f"no JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise MalformedModel(path, "it is no JSON object")
    return found
