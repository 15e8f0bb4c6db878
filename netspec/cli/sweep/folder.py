"""The folder of one run: its texts, its log, its snapshots and, when it is finished, what came out."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from netspec.cli.sweep.lock import held
from netspec.cli.sweep.outcome import Outcome, read_outcome
from netspec.errors import NetspecError
from netspec.solver.sweep import SOLVER_FILE
from netspec.weights.files import write_atomically

if TYPE_CHECKING:
    from netspec.solver.sweep import Run

State = Literal["new", "begun", "changed"]

# All that a run leaves; of what else lies in its folder nobody knows whose it is. The outcome goes first: a
# run that has one is finished.
_FILES = ("outcome.json", "events.jsonl", "log.txt", "snapshot_iter_*", "*.prototxt")
_ERROR = re.compile(r"(?:.*: )?error: (.*)")
_LONGEST_REASON = 200


@dataclass(frozen=True)
class RunFolder:
    """A run's folder.

    Attributes:
        path: where it is.
        run: the run.
        command: what of the command line makes a difference to what comes out.
    """

    path: Path
    run: Run
    command: str

    @property
    def solver(self) -> Path:
        """The solver's text."""
        return self.path / SOLVER_FILE

    @property
    def events(self) -> Path:
        """What the training tells, as lines of JSON."""
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        """What the training logs."""
        return self.path / "log.txt"

    @property
    def lock(self) -> Path:
        """What the run's process holds while it lives."""
        return self.path / "lock"

    @property
    def log_size(self) -> int:
        """How much is in the log."""
        return self.log.stat().st_size if self.log.exists() else 0

    def prepare(self, busy: Callable[[], None]) -> State:
        """Puts the texts in their place, and what an earlier run of other texts has left out of the way.

        Raises:
            NetspecError: the folder cannot be written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with held(self.lock, busy):
                return self._prepare()
        except OSError as error:
            raise NetspecError.at(f"cannot be written: {error.strerror}", file=str(self.path)) from error

    def outcome(self) -> Outcome | None:
        """What came out, if the run is finished."""
        try:
            return Outcome.from_json((self.path / "outcome.json").read_bytes())
        except (OSError, ValueError, TypeError):
            return None

    def conclude(self) -> Outcome | None:
        """Notes what came out, if the training has reached its end."""
        outcome = read_outcome(self.events, self.run.accuracies)
        if outcome is not None:
            write_atomically(self.path / "outcome.json", [outcome.to_json()])
        return outcome

    def reason(self, exitcode: int, start: int) -> str:
        """Why a process ended without reaching the end; ``start`` is where its part of the log begins."""
        if exitcode < 0:
            return f"ended by {signal.Signals(-exitcode).name}"
        with self.log.open("rb") as file:
            file.seek(start)
            lines = file.read().decode(errors="replace").splitlines()
        errors = [found[1] for line in lines if (found := _ERROR.match(line))]
        said = next(iter(errors), None) or next((line for line in reversed(lines) if line.strip()), "")
        return said[:_LONGEST_REASON] if exitcode else "stopped before its end"

    def _prepare(self) -> State:
        texts = self.run.texts(self.path)
        texts[SOLVER_FILE] = f"# netspec train -solver {self.solver}{self.command}\n{texts[SOLVER_FILE]}"
        present = {file.name: file.read_text("utf-8") for file in self.path.glob("*.prototxt")}
        if present == texts:
            return "begun"
        for pattern in _FILES:
            for file in self.path.glob(pattern):
                file.unlink()
        for name, text in texts.items():
            write_atomically(self.path / name, [text.encode()])
        return "changed" if present else "new"
