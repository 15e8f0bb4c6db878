"""The trainer's events as TensorBoard's curves."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from netspec.errors import UsageError
from netspec.solver.events import Displayed, Event, OutputValue, Started, Tested, Transformed


class TensorBoard:
    """Listens to a trainer and writes its curves for `tensorboard --logdir FOLDER`.

    They are ``train/loss`` (smoothed), ``train/output/NAME``, ``train/lr``, ``train/iterations_per_second``
    and ``test0/NAME`` for the first test net. A training that goes on takes the place of what an earlier run
    wrote beyond its first iteration.

    Args:
        folder: where the files go; it appears if it does not exist.

    Raises:
        UsageError: the package tensorboard is missing, or the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._class = _writer_class()
        self._writer: Any = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError.at(f"-tensorboard {folder}: {error.strerror}") from error

    def __enter__(self) -> TensorBoard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            # What an earlier run wrote from here on is done anew.
            self._writer = self._class(str(self._folder), purge_step=event.first or None)
        elif self._writer is not None and isinstance(event, Displayed | Tested | Transformed):
            for name, value in _curves(event):
                self._writer.add_scalar(name, value, event.iteration)
            self._writer.flush()


def _curves(event: Displayed | Tested | Transformed) -> Iterator[tuple[str, float]]:
    match event:
        case Tested():
            yield from _named(f"test{event.net}", event.outputs)
        case Transformed():
            group = f"transformer/{event.layer}"
            yield f"{group}/outside", event.outside
            yield f"{group}/largest", event.largest
            yield from zip((f"{group}/{name}" for name in event.names), event.theta, strict=True)
        case Displayed():
            yield "train/loss", event.loss
            yield from _named("train/output", event.outputs)
            if event.rate is not None:
                yield "train/lr", event.rate
            if event.iterations and event.seconds:
                yield "train/iterations_per_second", event.iterations / event.seconds


def _named(group: str, outputs: Sequence[OutputValue]) -> Iterator[tuple[str, float]]:
    """Each number's name; those of a blob with several are told apart by their index."""
    count = Counter(output.blob for output in outputs)
    seen: Counter[str] = Counter()
    for output in outputs:
        index = f"_{seen[output.blob]}" if count[output.blob] > 1 else ""
        seen[output.blob] += 1
        yield f"{group}/{output.blob}{index}", output.value


def _writer_class() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its imports deprecate is nothing that a user could mend
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UsageError.at(
                "-tensorboard needs the package tensorboard, which is missing",
                help="install it: pip install 'netspec[tensorboard]'",
            ) from error
    return SummaryWriter
