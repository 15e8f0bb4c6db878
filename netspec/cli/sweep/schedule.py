"""The runs of a sweep, some at a time, until all are finished or somebody has had enough."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netspec.cli import INTERRUPTED
from netspec.cli.report import duration
from netspec.cli.sweep import child
from netspec.cli.sweep.child import Child
from netspec.cli.sweep.display import Display, display
from netspec.cli.sweep.folder import RunFolder
from netspec.cli.sweep.table import Table
from netspec.solver.sweep import Run

_PAUSE = 0.05
_LOOKS_PER_SECOND = 2
_BEGUN = {
    "new": "started",
    "begun": "goes on",
    "changed": "its text or its command is not the one of before: started anew",
}


@dataclass(frozen=True)
class Room:
    """How many runs work at a time, with how many threads each, and on which GPUs."""

    jobs: int
    threads: int
    gpus: tuple[int, ...] = ()

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads > 1)} each"
        where = f", on GPU {', '.join(map(str, self.gpus))}" if self.gpus else ""
        return f"{self.jobs} at a time with {threads}{where}"


@dataclass(frozen=True)
class _Worker:
    """A run at work, in one of the places that there are."""

    folder: RunFolder
    child: Child
    place: int
    log_start: int

    @property
    def run(self) -> Run:
        return self.folder.run


class Schedule:
    """Works through a sweep.

    Args:
        runs: what is to be done.
        table: where it is noted.
        work: the folder of the runs' folders.
        room: how many at a time.
        flags: what the runs' command lines have in common.
    """

    def __init__(
        self, runs: Sequence[Run], table: Table, work: Path, room: Room, flags: Sequence[str]
    ) -> None:
        self._runs, self._table, self._work, self._room, self._flags = runs, table, work, room, flags
        self._waiting = deque(runs)
        self._workers: list[_Worker] = []
        self._done = self._failed = 0

    def run(self) -> int:
        """Does what is left to do; the exit status."""
        try:
            with display(len(self._runs)) as shown:
                try:
                    self._work_through(shown)
                except KeyboardInterrupt:
                    self._stop(shown)
                    return INTERRUPTED
        finally:
            for worker in self._workers:
                worker.child.kill()
        print(self._report())
        return int(self._failed > 0)

    def _work_through(self, shown: Display) -> None:
        looked = 0.0
        while self._waiting or self._workers:
            while self._waiting and len(self._workers) < self._room.jobs:
                self._begin(self._waiting[0], shown)
                self._waiting.popleft()
            for worker in [*self._workers]:
                if not worker.child.process.is_alive():
                    self._end(worker, shown)
            if time.monotonic() - looked > 1 / _LOOKS_PER_SECOND:
                shown.look()
                looked = time.monotonic()
            time.sleep(_PAUSE)

    def _begin(self, run: Run, shown: Display) -> None:
        folder = RunFolder(self._work / run.name, run, "".join(f" {flag}" for flag in self._flags))
        waits = False

        def busy() -> None:
            nonlocal waits
            if not waits:
                self._say(run, "waits for a process of an earlier sweep to end", shown)
            waits = True
            time.sleep(_PAUSE)

        state, outcome = folder.prepare(busy), folder.outcome()
        if outcome is not None:
            self._done += 1
            self._table.note(run, "done", outcome)
            self._table.write()
            shown.end(run)
            self._say(run, f"{outcome.headline} (done before)", shown)
            return
        self._say(run, f"{_BEGUN[state]}; log {folder.log}", shown)
        self._workers.append(self._start(folder))
        shown.begin(run, folder.events)
        self._table.note(run, "at work")
        self._table.write()

    def _start(self, folder: RunFolder) -> _Worker:
        place = min({*range(self._room.jobs)} - {worker.place for worker in self._workers})
        gpus, nets = self._room.gpus, folder.run.nets
        argv = [
            "train",
            f"-solver={folder.solver}",
            "-resume=auto",
            f"-log_jsonl={folder.events}",
            "-no_picture",
        ]
        argv += [*self._flags, *([f"-gpu={gpus[place % len(gpus)]}"] if gpus else [])]
        # A Python layer's module may lie beside the net's own text.
        path = [str(net.parent.resolve()) for net in nets] if "-allow_python_layers" in self._flags else []
        log_start = folder.log_size
        started = child.start(argv, folder.log, folder.lock, self._room.threads, path)
        return _Worker(folder, started, place, log_start)

    def _end(self, worker: _Worker, shown: Display) -> None:
        exitcode = worker.child.process.exitcode or 0
        outcome = worker.folder.conclude() if exitcode == 0 else None
        worker.child.lifeline.close()
        self._workers.remove(worker)
        shown.end(worker.run)
        if outcome is None:
            self._failed += 1
            reason = worker.folder.reason(exitcode, worker.log_start)
            self._table.note(worker.run, f"failed: {reason}")
            self._say(worker.run, f"failed: {reason}; log {worker.folder.log}", shown)
        else:
            self._done += 1
            self._table.note(worker.run, "done", outcome)
            self._say(worker.run, f"{outcome.headline} ({duration(outcome.seconds)})", shown)
        self._table.write()

    def _stop(self, shown: Display) -> None:
        """Lets the runs at work end their iteration; interrupted again, it does not wait."""
        shown.write("stopping: each run ends with a snapshot after its iteration (Ctrl-C again: at once)")
        for worker in self._workers:
            worker.child.stop()
        try:
            for worker in self._workers:
                worker.child.process.join()
                self._table.note(worker.run, "stopped")
        except KeyboardInterrupt:
            return
        finally:
            self._table.write()
            shown.write(
                f"{self._done} of {len(self._runs)} runs are done; the same command goes on from here"
            )

    def _say(self, run: Run, what: str, shown: Display) -> None:
        shown.write(f"run {run.number} of {len(self._runs)}: {run.label}: {what}")

    def _report(self) -> str:
        best = self._table.best
        parts = [f"best {self._table.headline(best)}"] if best else []
        parts += [f"{self._failed} of {len(self._runs)} runs failed"] if self._failed else []
        return f"{self._table.file}, {self._table.csv}: {'; '.join(parts) or 'no scores'}"
