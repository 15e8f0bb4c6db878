"""What became of a run, read from what its training told."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from netspec.viz.training_log import Recording, Series, points_of

TRAIN_LOSS = "train loss"


@dataclass(frozen=True)
class Outcome:
    """A training that reached its end.

    Attributes:
        scores: the test nets' last outputs by column, or the train net's loss where nothing is tested.
        figure: the column to name where there is room for one; empty where there are no scores.
        rank: what the best run has most of: the accuracy, or else the losses' sum with a minus.
        iteration: where the scores were reached.
        seconds: how long the training took, with all that was lost when it was killed.
    """

    scores: dict[str, float]
    figure: str
    rank: float
    iteration: int
    seconds: float

    @property
    def headline(self) -> str:
        """``accuracy = 0.981``."""
        return f"{self.figure} = {self.scores[self.figure]:.4g}" if self.figure else "no scores"

    def to_json(self) -> bytes:
        """As a file keeps it."""
        return f"{json.dumps(asdict(self), indent=2)}\n".encode()

    @classmethod
    def from_json(cls, text: bytes) -> Outcome:
        """From such a file.

        Raises:
            ValueError, TypeError: it holds something else.
        """
        return cls(**json.loads(text))


def read_outcome(events: Path, accuracies: Collection[str]) -> Outcome | None:
    """What a run's lines of JSON tell of its end; None where it has not reached it.

    Args:
        events: the lines.
        accuracies: the blobs that are the larger the better.
    """
    records, recording = [*read_records(events)], Recording()
    last: dict[str, Any] = next((record for record in reversed(records) if record["event"] != "notice"), {})
    if last.get("event") != "finished" or last.get("early"):
        return None
    for record in records:
        for point in points_of(record):
            recording.add(point)
    series = [one for one in recording.series() if one.iterations]
    tests = [one for one in series if one.source != "train"]
    columns = _columns(tests or [one for one in series if one.smoothed])
    scores = {column: one.values[-1] for column, one in columns.items()}
    judge = next((column for column, one in columns.items() if one.blob in accuracies), "")
    losses = [column for column, one in columns.items() if one.kind == "loss"]
    figure = next(iter([*filter(None, [judge]), *losses, *columns]), "")
    rank = scores[judge] if judge else -sum(scores[loss] for loss in losses)
    iteration = columns[figure].iterations[-1] if figure else last["iteration"]
    known = rank if (judge or losses) and math.isfinite(rank) else -math.inf
    return Outcome(scores, figure, known, iteration, _seconds(records))


def read_records(events: Path, start: int = 0) -> Iterator[dict[str, Any]]:
    """The events in a file from a place in it on; none where there is no file."""
    if not events.is_file():
        return
    with events.open("rb") as lines:
        lines.seek(start)
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue  # cut short by a kill, or not written to its end yet
            if isinstance(record, dict) and "event" in record:
                yield record


def _columns(series: Iterable[Series]) -> dict[str, Series]:
    """The series by what the table calls them."""
    series = [*series]
    several = len({one.source for one in series}) > 1
    names = [f"{one.name} #{one.source.removeprefix('test')}" if several else one.name for one in series]
    if series and series[0].source == "train":
        names = [TRAIN_LOSS]
    return dict(zip(names, series, strict=True))


def _seconds(records: Iterable[dict[str, Any]]) -> float:
    """The time of all processes that worked on a run: each counts from zero."""
    total = here = 0.0
    for record in records:
        if record["seconds"] < here:
            total += here
        here = record["seconds"]
    return total + here
