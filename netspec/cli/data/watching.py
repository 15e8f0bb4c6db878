"""What a tool shows while it works: the log lines of Caffe's tools, and at a terminal a bar below them."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from netspec.cli import flags

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")


class Watcher:
    """Logs under the name of a tool, and counts what goes through its hands."""

    def __init__(self, tool: str, bar: Progress | None = None) -> None:
        self._place, self._bar = f"{tool}.cpp:1", bar

    def log(self, message: str, severity: str = "I") -> None:
        """Writes each line of a message with glog's prefix."""
        from netspec.cli.log import glog

        for line in message.splitlines():
            self.write(glog(line, self._place, severity))

    def write(self, line: str) -> None:
        """Writes a line as it is."""
        from netspec.cli.log import to_stderr

        if self._bar is None:
            to_stderr(line)
        else:
            self._bar.console.out(line, highlight=False)

    def count(self, items: Iterable[T], total: int, *, every: int = 1000, what: str = "files") -> Iterator[T]:
        """The items; a bar shows how many went by, and a line of the log tells it each ``every`` items."""
        done = 0
        task = None if self._bar is None else self._bar.add_task("", total=total)
        for done, item in enumerate(items, 1):
            yield item
            if self._bar is not None and task is not None:
                self._bar.advance(task)
            if done % every == 0:
                self.log(f"Processed {done} {what}.")
        if done % every:
            self.log(f"Processed {done} {what}.")


@contextmanager
def watching(tool: str) -> Iterator[Watcher]:
    """A watcher; it draws a bar if somebody watches."""
    if not sys.stderr.isatty():
        yield Watcher(tool)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (MofNCompleteColumn(), BarColumn(bar_width=None), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as bar:
        yield Watcher(tool, bar)


def add_workers(parser: ArgumentParser) -> None:
    """-workers: how many threads read and decode; what comes out does not depend on it."""
    parser.add_argument(
        "--workers",
        type=flags.count,
        default=os.cpu_count() or 1,
        metavar="N",
        help="threads that decode (as many as there are processors)",
    )
