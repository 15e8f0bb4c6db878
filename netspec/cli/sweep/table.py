"""The table of a sweep, for people and for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli.sweep.outcome import Outcome
from netspec.weights.files import write_atomically

if TYPE_CHECKING:
    from netspec.solver.sweep import Run

BEST = "best"


class Table:
    """A row for each run, in the order of the combinations, written anew whenever something is news.

    Attributes:
        file: the Markdown; the same as CSV lies beside it.
    """

    def __init__(self, file: Path, title: str, runs: Sequence[Run], paths: Mapping[str, str]) -> None:
        self.file, self._title, self._runs, self._paths = file, title, runs, paths
        self._outcomes: dict[int, Outcome] = {}
        self._status = {run.number: "waiting" for run in runs}

    @property
    def csv(self) -> Path:
        """The file for programs."""
        return self.file.with_suffix(".csv")

    @property
    def best(self) -> Run | None:
        """The run with the highest accuracy or the least loss; None while there are no scores."""
        ranked = [run for run in self._runs if run.number in self._outcomes]
        best = max(ranked, key=lambda run: self._outcomes[run.number].rank, default=None)
        return best if best and self._outcomes[best.number].rank > float("-inf") else None

    def note(self, run: Run, status: str, outcome: Outcome | None = None) -> None:
        """Notes what became of a run."""
        self._status[run.number] = status
        if outcome is not None:
            self._outcomes[run.number] = outcome

    def headline(self, run: Run) -> str:
        """A finished run's values and the score to name."""
        return f"{run.label}: {self._outcomes[run.number].headline}"

    def write(self) -> None:
        """Writes both files, each whole or not at all.

        Raises:
            WeightsError: one cannot be written.
        """
        header, rows = self._header(), [self._cells(run) for run in self._runs]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *rows])
        write_atomically(self.csv, [text.getvalue().encode()])
        write_atomically(self.file, [self._markdown(header, rows).encode()])

    def _scores(self) -> list[str]:
        return [*dict.fromkeys(name for outcome in self._outcomes.values() for name in outcome.scores)]

    def _header(self) -> list[str]:
        return ["run", *self._runs[0].values, *self._scores(), "iteration", "seconds", "status"]

    def _cells(self, run: Run) -> list[str]:
        outcome, scores = self._outcomes.get(run.number), self._scores()
        status = BEST if run is self.best else self._status[run.number]
        if outcome is None:
            reached = [""] * (len(scores) + 2)
        else:
            told = [f"{outcome.scores[name]:.6g}" if name in outcome.scores else "" for name in scores]
            reached = [*told, str(outcome.iteration), f"{outcome.seconds:.1f}"]
        return [str(run.number), *run.values.values(), *reached, status]

    def _markdown(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        bold = [
            [f"**{cell}**" if cell and row[-1] == BEST else cell for cell in map(_escaped, row)]
            for row in rows
        ]
        cells = [[_escaped(name) for name in header], *bold]
        widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            " | ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells
        ]
        lines.insert(1, " | ".join(f"{'-' * (width - 1)}:" for width in widths))
        legend = [f"- {_escaped(name)}: `{path}`" for name, path in self._paths.items()]
        return "\n".join([f"# {self._title}", "", *(f"| {line} |" for line in lines), "", *legend, ""])


def _escaped(cell: str) -> str:
    """A cell's text on one line, without ending the cell."""
    return " ".join(cell.split()).replace("|", "\\|")
