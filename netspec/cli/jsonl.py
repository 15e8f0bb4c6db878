"""The trainer's events as JSON, one object to a line, for programs that read along or later."""

from __future__ import annotations

import errno
import json
import math
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter, time
from types import TracebackType
from typing import Any

from netspec.cli.log import glog, to_stderr
from netspec.errors import UsageError
from netspec.solver import events
from netspec.solver.events import Event, OutputValue

_INSPECTED = (events.ForwardInspected, events.BackwardInspected, events.UpdateInspected)


class JsonLines:
    """Listens to a trainer and appends a line for each event but those of every iteration.

    Each object holds ``event`` (its kind), ``time`` (seconds since 1970), ``seconds`` (since this run began)
    and ``iteration``, then what the event tells; ``lr`` is the learning rate, ``outputs`` maps each output
    blob to its number, or to a list of them. A number that is not finite is the string "nan", "inf" or
    "-inf". Each line is one write, so that a kill leaves whole lines. A training that goes on begins with
    ``restored`` and ``started`` with ``resumed: true``, below what the earlier run wrote; one that ends in
    an error leaves ``failed`` with the message.

    Args:
        file: where to append; it appears if it does not exist.
        flag: the flag that asked for it.

    Raises:
        UsageError: the file cannot be written, or holds something else.
    """

    def __init__(self, file: Path, flag: str = "-log_jsonl") -> None:
        self._flag = flag
        try:
            _require_lines(file, flag)
            self._file: int | None = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise UsageError.at(f"{flag} {file}: {error.strerror}") from error
        self._begin = perf_counter()
        self._iteration = 0

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.write("failed", {"message": str(error) or type(error).__name__})
        self._close()

    def __call__(self, event: Event) -> None:
        if isinstance(event, events.Iterated):
            self._iteration = event.iteration
        elif isinstance(event, _INSPECTED):
            self.write(_kind(event), asdict(event))
        else:
            self.write(_kind(event), _fields(event))

    def write(self, kind: str, fields: dict[str, Any]) -> None:
        """Appends a line of a kind of its own."""
        self._iteration = fields.get("iteration", self._iteration)
        now = {"time": round(time(), 6), "seconds": round(perf_counter() - self._begin, 6)}
        record = {"event": kind, **now, "iteration": self._iteration, **fields}
        line = f"{json.dumps(_finite(record), allow_nan=False)}\n".encode()
        if self._file is not None:
            try:
                if os.write(self._file, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """A training is worth more than its log."""
        to_stderr(glog(f"{self._flag}: {error.strerror}; no more events are written", "jsonl.py:1", "W"))
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = None


def _kind(event: Event) -> str:
    """The name of an event's class, in small letters: ``test_started``."""
    name = type(event).__name__
    return name[0].lower() + "".join(f"_{char.lower()}" if char.isupper() else char for char in name[1:])


def _fields(event: Event) -> dict[str, Any]:
    """What an event tells besides its kind and the time."""
    match event:
        case events.Started():
            fields = asdict(event)
            return {"iteration": fields.pop("first"), **fields, "resumed": event.first > 0}
        case events.Displayed():
            speed = event.iterations / event.seconds if event.seconds else None
            told = {"loss": event.loss, "lr": event.rate, "iterations_per_second": speed}
            loading = {} if event.loading is None else asdict(event.loading)
            return {"iteration": event.iteration, **told, **loading, **_outputs(event.outputs)}
        case events.Tested():
            told = {"net": event.net, "loss": event.loss, "test_seconds": event.seconds}
            return {"iteration": event.iteration, **told, **_outputs(event.outputs)}
        case events.Finished():
            return {"iteration": event.iteration, "early": event.early, "train_seconds": event.seconds}
        case _:
            return asdict(event)


def _outputs(outputs: Sequence[OutputValue]) -> dict[str, dict[str, Any]]:
    values: dict[str, list[float]] = {}
    for output in outputs:
        values.setdefault(output.blob, []).append(output.value)
    weights = {output.blob: output.loss_weight for output in outputs if output.loss_weight}
    single = {blob: numbers[0] if len(numbers) == 1 else numbers for blob, numbers in values.items()}
    return {"outputs": single, "loss_weights": weights}


def _finite(value: Any) -> Any:
    """A value as JSON can hold it."""
    match value:
        case float():
            return value if math.isfinite(value) else str(value)
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
        case Path():
            return str(value)
        case _:
            return value


def _require_lines(file: Path, flag: str) -> None:
    """Makes sure that a file is one of ours, and takes off a last line that never became whole.

    Raises:
        UsageError: it holds something else.
        OSError: it cannot be read or shortened.
    """
    if not file.is_file():  # not there yet, or a pipe, which is as good a place to write to
        return
    with file.open("rb+") as stream:
        last = deque(stream, maxlen=1).pop() if file.stat().st_size else b""
        if not last or (_is_record(last) and last.endswith(b"\n")):
            return
        if _is_record(last):
            stream.write(b"\n")
        elif last.startswith(b"{") and not last.endswith(b"\n"):
            stream.truncate(stream.tell() - len(last))
        else:
            help = f"name a new file, or one that {flag} has written"
            raise UsageError.at(f"{flag} {file}: the file holds something else than events", help=help)


def _is_record(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
