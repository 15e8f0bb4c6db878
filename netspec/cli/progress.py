"""A progress bar below the log, for people who watch a training at a terminal."""

from __future__ import annotations

from time import monotonic
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from netspec.solver.events import Displayed, Event, Iterated, Started

# Reading the loss waits for the device: not at every iteration.
UPDATES_PER_SECOND = 4


class ProgressBar:
    """Listens to a trainer and draws iteration, loss, learning rate, images per second and the time left."""

    def __init__(self, console: Console) -> None:
        columns = (
            MofNCompleteColumn(),
            BarColumn(bar_width=None),
            TextColumn("loss {task.fields[loss]}"),
            TextColumn("lr {task.fields[rate]}"),
            TextColumn("{task.fields[speed]} images/s"),
            TimeRemainingColumn(compact=True),
        )
        self._progress = Progress(
            *columns, console=console, transient=True, expand=True, refresh_per_second=UPDATES_PER_SECOND
        )
        self._task: TaskID | None = None
        self._images = 0
        self._drawn = monotonic()

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def write(self, line: str) -> None:
        """Writes a line above the bar, as it is."""
        self._progress.console.out(line, highlight=False)

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._drawn = monotonic()
            self._task = self._progress.add_task(
                "", total=event.last, completed=event.first, loss="-", rate="-", speed="-"
            )
        elif self._task is not None and isinstance(event, Iterated):
            self._iterated(self._task, event)
        elif self._task is not None and isinstance(event, Displayed) and event.rate is not None:
            self._progress.update(self._task, rate=f"{event.rate:g}")

    def _iterated(self, task: TaskID, event: Iterated) -> None:
        self._images += event.images
        passed = monotonic() - self._drawn
        if passed < 1 / UPDATES_PER_SECOND:
            return
        loss, speed = f"{event.loss.item():.4g}", f"{self._images / passed:.0f}"
        self._progress.update(task, completed=event.iteration, loss=loss, speed=speed)
        self._images, self._drawn = 0, monotonic()
