"""One llama.cpp server core inside this process, with a private socket instead of a port.

The socket lies in a folder that only this user may enter and asks for a key made for this load. It is
used for what has no call of its own (turning text into tokens); completions are direct calls.
"""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ingle.engines.base import EngineOptions
from ingle.engines.free import free_memory
from ingle.engines.llamacpp.fields import translate
from ingle.errors import GenerationFailed, LoadFailed

BATCH = 256
"""Prompt tokens per step: what a cancel may have to wait for (issue: at most 256)."""

_VERBOSITY = 1  # errors only: the reason of a failed load, and no word of any prompt


class Server(Protocol):
    """What the engine asks of llama.cpp."""

    version: str
    devices: tuple[str, ...]

    def complete(self, fields: dict[str, Any], on_chunk: Callable[[dict[str, Any]], bool]) -> None: ...
    def tokenize(self, text: str, *, special: bool = True) -> list[int]: ...
    def properties(self) -> dict[str, Any]: ...
    def close(self) -> None: ...


class LlamaServer:
    """A loaded GGUF model. Raises `LoadFailed` from the constructor; why is on stderr."""

    def __init__(self, model: Path, context: int, options: EngineOptions) -> None:
        import xllamacpp

        self._folder = Path(tempfile.mkdtemp(prefix="llama-"))  # mode 0700
        self._key = secrets.token_hex(16)
        params = _params(xllamacpp, model, context, options)
        params.hostnames = [str(self._socket)]
        params.api_keys = [self._key]
        try:
            self._server: Any = xllamacpp.Server(params)
        except MemoryError:
            self._remove_folder()
            raise
        except (RuntimeError, ValueError) as exc:
            self._remove_folder()
            raise LoadFailed(
                f"llama.cpp could not load {model.name}.",
                hint="`ingle verify` tells whether the file is whole; a shorter context needs less memory.",
            ) from exc
        self.devices = tuple(_device_names(xllamacpp))
        self.version = str(getattr(xllamacpp, "__version__", "unknown"))

    def complete(self, fields: dict[str, Any], on_chunk: Callable[[dict[str, Any]], bool]) -> None:
        """Run one completion on this thread; `on_chunk` returning True ends it.

        Raises what `on_chunk` raised (llama.cpp itself would swallow it) and typed errors.
        """
        raised: list[BaseException] = []

        def guarded(chunk: dict[str, Any]) -> bool:
            try:
                return on_chunk(chunk)
            except BaseException as exc:  # noqa: BLE001  (carried across C++ and raised again below)
                raised.append(exc)
                return True

        try:
            answer = self._server.handle_completions(fields, guarded)
        except MemoryError as exc:
            raise translate("out of memory") from exc
        except (RuntimeError, ValueError) as exc:
            raise translate(exc) from exc
        if raised:
            raise raised[0]
        if isinstance(answer, dict) and "error" in answer:
            raise translate(answer)

    def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        """Token ids of `text`; `special` adds what the model wants at the start."""
        body = {"content": text, "add_special": special, "parse_special": True}
        return [int(token) for token in self._post("/tokenize", body)["tokens"]]

    def properties(self) -> dict[str, Any]:
        """What llama.cpp says of the model: `bos_token`, `eos_token` and more."""
        return self._post("/props", None)

    def close(self) -> None:
        """Free the model. Idempotent."""
        self._server = None
        self._remove_folder()

    @property
    def _socket(self) -> Path:
        return self._folder / "s.sock"

    def _post(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        connection = _UnixConnection(self._socket)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            connection.request(
                "GET" if body is None else "POST", path, json.dumps(body) if body else None, headers
            )
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise GenerationFailed(f"llama.cpp did not answer {path}: {exc}.") from exc
        finally:
            connection.close()
        if not isinstance(answer, dict) or response.status != 200:
            raise translate(answer)
        return answer

    def _remove_folder(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=120)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _params(xllamacpp: Any, model: Path, context: int, options: EngineOptions) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_parallel = options.slots
    params.n_ctx = context * options.slots  # llama.cpp divides it among the slots
    params.kv_unified = False  # shared, the slots overcommit and all of them fail
    params.fit_params = False  # the context is what was asked for, or the load fails
    params.n_batch = BATCH
    params.n_ubatch = BATCH
    params.cache_ram_mib = options.prompt_cache_bytes // (1024 * 1024)
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = _VERBOSITY
    params.cors_origins = ""
    params.warmup = False  # the first prompt warms as much, and the load is ready sooner
    if options.speculate:
        params.speculative.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
    return params


def free_bytes() -> int:
    """What a load can take now: of the system, and of the GPU where llama.cpp has one."""
    import xllamacpp

    return bounded_free(free_memory(), xllamacpp.get_device_info())


def bounded_free(free: int, devices: list[dict[str, Any]]) -> int:
    """`free` bytes of the system, or what the GPUs among `devices` have left, if that is less. Pure."""
    left = [int(d["memory_free"]) for d in devices if is_gpu(str(d.get("name", ""))) and d.get("memory_free")]
    return min(free, sum(left)) if left else free


def is_gpu(name: str) -> bool:
    """Whether a device of ggml is neither the processor nor a library that runs on it."""
    return not name.startswith(("CPU", "BLAS", "ACCEL"))


def _device_names(xllamacpp: Any) -> list[str]:
    return [str(device.get("name", "")) for device in xllamacpp.get_device_info()]
