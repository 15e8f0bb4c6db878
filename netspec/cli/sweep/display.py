"""What a sweep shows while it works: lines, and at a terminal a bar below them for each run at work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.cli.log import to_stderr
from netspec.cli.sweep.outcome import read_records

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from netspec.solver.sweep import Run


class Display:
    """Lines, as a log wants them."""

    def write(self, line: str) -> None:
        """Writes a line."""
        to_stderr(line)

    def begin(self, run: Run, events: Path) -> None:
        """A run is at work; it tells of it in a file of lines of JSON."""

    def look(self) -> None:
        """Looks how far the runs are."""

    def end(self, run: Run) -> None:
        """A run is not at work any more."""


class Bars(Display):
    """Lines, and the bars below them."""

    def __init__(self, progress: Progress, runs: int) -> None:
        self._progress = progress
        self._all = progress.add_task("all runs", total=runs, loss="")
        self._begun: dict[int, tuple[TaskID, Path, int]] = {}

    def write(self, line: str) -> None:
        self._progress.console.out(line, highlight=False)

    def begin(self, run: Run, events: Path) -> None:
        size = events.stat().st_size if events.exists() else 0
        task = self._progress.add_task(run.label, total=run.settings.message.max_iter, loss="")
        self._begun[run.number] = task, events, size

    def look(self) -> None:
        for task, events, start in self._begun.values():
            told: dict[str, Any] = {}
            for record in read_records(events, start):
                told |= {name: record[name] for name in ("iteration", "loss") if record.get(name) is not None}
            loss = told.get("loss")
            shown = f"loss {loss:.4g}" if isinstance(loss, float) else ""
            self._progress.update(task, completed=told.get("iteration", 0), loss=shown)

    def end(self, run: Run) -> None:
        if run.number in self._begun:
            self._progress.remove_task(self._begun.pop(run.number)[0])
        self._progress.advance(self._all)


@contextmanager
def display(runs: int) -> Iterator[Display]:
    """Bars if somebody watches, else lines alone."""
    if not sys.stderr.isatty():
        yield Display()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        MofNCompleteColumn(),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[loss]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as progress:
        yield Bars(progress, runs)
