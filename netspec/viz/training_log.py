"""Reads what a training told: Caffe's text log, ours, or our lines of JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from netspec.errors import NetspecError

Kind = Literal["loss", "output", "rate"]

_NUMBER = r"([-+]?(?:nan|inf|[\d.]+(?:e[-+]?\d+)?))"
_ITERATION = re.compile(r"\bIteration (\d+)")
_TEST = re.compile(r"\bIteration \d+, Testing net \(#(\d+)\)")
_LOSS = re.compile(rf"\bIteration \d+(?: \(.*\))?, loss = {_NUMBER}", re.I)
_RATE = re.compile(rf"\bIteration \d+, lr = {_NUMBER}", re.I)
_OUTPUT = re.compile(
    rf"\b(Train|Test) net output #(\d+): (.+?) = {_NUMBER}(?: \(\* {_NUMBER} = \S+ loss\))?", re.I
)


@dataclass(frozen=True)
class Series:
    """One number over the iterations of a run.

    Attributes:
        source: "train", or "test" and the number of the test net: "test0".
        name: the output blob's, with an index where it holds several numbers; "loss" and "lr" for the
            smoothed loss and the learning rate.
        kind: "loss" for what training minimises, "rate" for the learning rate.
        smoothed: whether it is the solver's own mean over the last iterations.
        elements: how many numbers the blob holds.
    """

    source: str
    name: str
    kind: Kind
    smoothed: bool = False
    elements: int = 1
    iterations: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    @property
    def blob(self) -> str:
        """The name without an index."""
        return self.name.rpartition("[")[0] if self.elements > 1 else self.name


@dataclass(frozen=True)
class Run:
    """A training, as its log tells it."""

    path: Path
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Point:
    """One number at one iteration.

    ``index`` counts a net's outputs; -1 is the smoothed loss, -2 the learning rate.
    """

    source: str
    index: int
    name: str
    kind: Kind
    iteration: int
    value: float


@dataclass(frozen=True)
class Thetas:
    """What a spatial transformer's theta was like over the iterations of a run.

    Attributes:
        outside: the share of what was sampled outside of the image, 0 to 1.
        largest: the largest absolute value in theta.
        means: the mean of each value of theta.
        names: what the values are called.
    """

    layer: str
    names: tuple[str, ...]
    iterations: list[int] = field(default_factory=list)
    outside: list[float] = field(default_factory=list)
    largest: list[float] = field(default_factory=list)
    means: list[list[float]] = field(default_factory=list)

    def add(self, iteration: int, outside: float, largest: float, means: list[float]) -> None:
        """Appends what was seen at an iteration; what an earlier run saw there and later goes."""
        self.cut(iteration)
        self.iterations.append(iteration)
        self.outside.append(outside)
        self.largest.append(largest)
        self.means.append(means)

    def cut(self, iteration: int) -> None:
        """Forgets what was seen at an iteration and later."""
        _cut(iteration, self.iterations, self.outside, self.largest, self.means)


_SMOOTHED, _RATES = -1, -2


def read_log(path: Path) -> Run:
    """A run from its log. Where a resumed training repeats iterations, the later numbers count.

    Raises:
        NetspecError: the file cannot be read, or tells of no iteration.
    """
    recording, text = Recording(), TextLog()
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                for point in _from_json(line) if line.startswith("{") else text.points(line):
                    recording.add(point)
    except OSError as error:
        raise NetspecError.at(f"the log cannot be read: {error.strerror}", file=str(path)) from error
    if recording.is_empty:
        raise NetspecError.at(
            "the log tells of no iteration",
            file=str(path),
            help="expected the log of a training with `display` set: Caffe's, ours, or what -log_jsonl wrote",
        )
    return Run(path, recording.series())


def read_thetas(path: Path) -> tuple[Thetas, ...]:
    """What a run's lines of JSON tell of its spatial transformers, in the order in which they are named.

    Raises:
        NetspecError: the file cannot be read, or tells of none.
    """
    found: dict[str, Thetas] = {}
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                _add_theta(found, line)
    except OSError as error:
        raise NetspecError.at(f"the log cannot be read: {error.strerror}", file=str(path)) from error
    if not found:
        raise NetspecError.at(
            "the log tells of no spatial transformer",
            file=str(path),
            help="expected what `netspec train -log_jsonl` wrote of a net that has one",
        )
    return tuple(found.values())


def add_thetas(found: dict[str, Thetas], record: dict[str, Any]) -> None:
    """Adds what the record of an event says of a spatial transformer.

    Raises:
        ValueError, TypeError, KeyError: it is not such a record.
    """
    layer, means = str(record["layer"]), [float(value) for value in record["theta"]]
    names = tuple(map(str, record.get("names", (f"theta[{index}]" for index in range(len(means))))))
    told = int(record["iteration"]), float(record["outside"]), float(record["largest"]), means
    if len(means) != len(names):
        raise ValueError("a value without a name")
    if layer not in found or found[layer].names != names:
        found[layer] = Thetas(layer, names)  # of another net, for the same log
    found[layer].add(*told)


def _add_theta(found: dict[str, Thetas], line: str) -> None:
    try:
        record = json.loads(line)
        if record.get("event") == "transformed":
            add_thetas(found, record)
    except (ValueError, TypeError, KeyError, AttributeError):
        return  # a line that a kill cut short, or of something else


class Recording:
    """Puts together the series of a run whose points come one after the other."""

    def __init__(self) -> None:
        self._tracks: dict[tuple[str, int], tuple[Point, list[int], list[float]]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there was no point yet."""
        return not self._tracks

    def add(self, point: Point) -> None:
        """Appends a point; what an earlier run told of its iteration and of later ones goes."""
        key = point.source, point.index
        _, iterations, values = self._tracks.setdefault(key, (point, [], []))
        _cut(point.iteration, iterations, values)
        iterations.append(point.iteration)
        values.append(point.value)

    def cut(self, iteration: int) -> None:
        """Forgets everything at an iteration and later."""
        for _, iterations, values in self._tracks.values():
            _cut(iteration, iterations, values)
        self._tracks = {key: track for key, track in self._tracks.items() if track[1]}

    def series(self) -> tuple[Series, ...]:
        """The series, which grow with the recording: the test nets', then what the train net told."""
        tracks = sorted(self._tracks.items())
        names = Counter((source, first.name) for (source, index), (first, _, _) in tracks if index >= 0)
        seen: dict[tuple[str, str], int] = {}
        found = []
        for (source, index), (first, iterations, values) in tracks:
            key = source, first.name
            name, elements = first.name, max(names[key], 1)
            if index >= 0 and elements > 1:
                name = f"{name}[{seen.setdefault(key, 0)}]"
                seen[key] += 1
            found.append(Series(source, name, first.kind, index == _SMOOTHED, elements, iterations, values))
        return tuple(found)


def _cut(iteration: int, iterations: list[int], *columns: list[Any]) -> None:
    while iterations and iterations[-1] >= iteration:
        iterations.pop()
        for column in columns:
            column.pop()


class TextLog:
    """Goes through a text log line by line; an output belongs to the last iteration that was named."""

    def __init__(self) -> None:
        self._iteration: int | None = None
        self._net = "0"

    def points(self, line: str) -> Iterator[Point]:
        """What a line tells."""
        if found := _ITERATION.search(line):
            self._iteration = int(found[1])
        if self._iteration is None:
            return
        if found := _TEST.search(line):
            self._net = found[1]
        elif found := _LOSS.search(line):
            yield Point("train", _SMOOTHED, "loss", "loss", self._iteration, _number(found[1]))
        elif found := _RATE.search(line):
            yield Point("train", _RATES, "lr", "rate", self._iteration, _number(found[1]))
        elif found := _OUTPUT.search(line):
            source = "train" if found[1] == "Train" else f"test{self._net}"
            kind: Kind = "loss" if found[5] else "output"
            yield Point(source, int(found[2]), found[3], kind, self._iteration, _number(found[4]))


def _from_json(line: str) -> Iterator[Point]:
    try:
        yield from points_of(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError):
        return  # a line that a kill cut short, or of something else


def points_of(record: Mapping[str, Any]) -> Iterator[Point]:
    """The numbers of a record of events that a trainer told; of most events there are none.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: the record is none of ours.
    """
    source = {"displayed": "train", "tested": f"test{record.get('net')}"}.get(record["event"])
    if source is None:
        return
    iteration = int(record["iteration"])
    if source == "train":
        yield Point(source, _SMOOTHED, "loss", "loss", iteration, _number(record["loss"]))
        if record["lr"] is not None:
            yield Point(source, _RATES, "lr", "rate", iteration, _number(record["lr"]))
    index = 0
    for name, values in record["outputs"].items():
        kind: Kind = "loss" if name in record["loss_weights"] else "output"
        for value in values if isinstance(values, list) else [values]:
            yield Point(source, index, name, kind, iteration, _number(value))
            index += 1


def _number(value: str | float) -> float:
    try:
        return float(value)
    except ValueError:  # a number that the end of the file cut in two
        return float("nan")
