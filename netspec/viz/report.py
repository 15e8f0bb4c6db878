"""What a training left behind, line by line: all that a report tells of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from netspec.errors import NetspecError
from netspec.viz.training_log import Point, Recording, TextLog, Thetas, add_thetas, points_of

EVENTS, PAGE, DRAWING, PICTURES = "events.jsonl", "index.html", "net.html", "pictures"

# A report stays a file that a browser opens at once, however long the training is.
MOST_PICTURES, MOST_BYTES = 40, 1_500_000
MOST_NOTICES = 100

State = Literal["running", "finished", "stopped", "failed"]
_Record = dict[str, Any]


@dataclass
class Session:
    """One process that trained; a training that was resumed has several.

    Attributes:
        opened: the command line, the folder and the versions.
        described: the texts, the machine, and what the nets' outputs mean.
        started: the device, the seed, where it began and where it is to end.
        notices: what it remarked, the last of them.
        hidden: how many remarks went before these.
        ended: how it ended, once it has.
        time: of what it told last, in seconds since 1970; of what it told first, ``began``.
    """

    opened: _Record = field(default_factory=dict)
    described: _Record = field(default_factory=dict)
    started: _Record = field(default_factory=dict)
    notices: list[_Record] = field(default_factory=list)
    hidden: int = 0
    ended: _Record | None = None
    began: float = 0.0
    time: float = 0.0

    @property
    def state(self) -> State:
        """How it stands, as far as it told."""
        if self.ended is None:
            return "running"
        if self.ended["event"] == "failed":
            return "failed"
        return "stopped" if self.ended.get("early") else "finished"


@dataclass(frozen=True)
class Shot:
    """What the transformers did at one test: a picture of (width, height) pixels, as text in base 64."""

    iteration: int
    name: str
    width: int
    height: int
    text: str


class Report:
    """Takes a training's lines, and keeps what a page about it shows.

    Lines are those of `JsonLines`; a log in Caffe's format gives the curves alone. Where a training was
    resumed, what was done anew takes the place of what was told of it before.

    Args:
        folder: where the drawing and the pictures lie, if there are some.

    Attributes:
        recording: loss, learning rate and outputs.
        rates: how quick it was.
        thetas: what the transformers did, by layer.
        pictures: thinned out: spread over the training, with the first and the last.
        snapshots: the iteration and the files of each.
        testing: since when a test runs, in seconds since 1970.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.sessions: list[Session] = []
        self.iteration = 0
        self.recording, self.rates = Recording(), Recording()
        self.thetas: dict[str, Thetas] = {}
        self.pictures: list[Shot] = []
        self.snapshots: list[_Record] = []
        self.testing: float | None = None
        self.drawing = ""
        self._folder = folder
        self._text = TextLog()

    @property
    def session(self) -> Session:
        """The latest process, or one of which nothing is known."""
        return self.sessions[-1] if self.sessions else Session()

    def add(self, line: str) -> None:
        """Takes one line. What is none of a training's is passed over."""
        if not line.startswith("{"):
            self._add_text(line)
            return
        try:
            record = json.loads(line)
            self._add(record, record["event"])
        except (ValueError, TypeError, KeyError, AttributeError):
            return  # a line that a kill cut short, or of something else

    def _add_text(self, line: str) -> None:
        for point in self._text.points(line):
            self.recording.add(point)
            self.iteration = point.iteration
        if "Optimization Done." in line or "Optimization stopped early." in line:
            early = bool(self.session.ended) or "early" in line
            self.sessions = [Session(ended={"event": "finished", "early": early})]

    def _add(self, record: _Record, event: str) -> None:
        if not self.sessions or event == "opened" or (event == "started" and self.session.started):
            self.sessions.append(Session(began=float(record["time"])))
        self.iteration, self.session.time = int(record["iteration"]), float(record["time"])
        self.testing = self.session.time if event == "test_started" else None
        match event:
            case "opened" | "described":
                setattr(self.session, event, record)
                self._read_drawing()
            case "started":
                self._start(record)
            case "notice":
                self.session.notices.append(record)
                self.session.hidden += len(self.session.notices) > MOST_NOTICES
                del self.session.notices[:-MOST_NOTICES]
            case "displayed" | "tested":
                for point in points_of(record):
                    self.recording.add(point)
                for point in _rates(record):
                    self.rates.add(point)
            case "transformed":
                add_thetas(self.thetas, record)
            case "pictured":
                self._add_picture(record)
            case "snapshotted":
                self._forget_snapshots(self.iteration)
                self.snapshots.append(record)
            case "finished" | "failed":
                self.session.ended = record

    def _start(self, record: _Record) -> None:
        """What an earlier run told of iterations that are done anew goes."""
        self.session.started = record
        first = self.iteration
        if first == 0:
            del self.sessions[:-1]
        self.recording.cut(first)
        self.rates.cut(first)
        for thetas in self.thetas.values():
            thetas.cut(first)
        self.thetas = {layer: thetas for layer, thetas in self.thetas.items() if thetas.iterations}
        self.pictures = [shot for shot in self.pictures if shot.iteration < first]
        self._forget_snapshots(first + 1)

    def _forget_snapshots(self, first: int) -> None:
        self.snapshots = [known for known in self.snapshots if known["iteration"] < first]

    def _read_drawing(self) -> None:
        file = self._folder / DRAWING if self._folder else None
        if file is not None and file.is_file():
            self.drawing = file.read_text(encoding="utf-8")

    def _add_picture(self, record: _Record) -> None:
        name = Path(record["file"]).name
        file = self._folder / PICTURES / name if self._folder else None
        if file is None or not file.is_file():
            return  # it was thinned out
        text = base64.b64encode(file.read_bytes()).decode()
        self.pictures = [shot for shot in self.pictures if shot.iteration < self.iteration]
        self.pictures.append(Shot(self.iteration, name, int(record["width"]), int(record["height"]), text))
        while len(self.pictures) > 2 and self._are_too_many():
            gaps = [
                self.pictures[place + 1].iteration - self.pictures[place - 1].iteration
                for place in range(1, len(self.pictures) - 1)
            ]
            del self.pictures[1 + gaps.index(min(gaps))]

    def _are_too_many(self) -> bool:
        size = sum(len(shot.text) for shot in self.pictures) * 3 / 4
        return len(self.pictures) > MOST_PICTURES or size > MOST_BYTES


def _rates(record: Mapping[str, Any]) -> Iterator[Point]:
    """How quick a training was between two displays."""
    names = ("iterations_per_second", "images_per_second", "waited")
    for index, name in enumerate(names):
        if record.get(name) is not None:
            yield Point("train", index, name, "rate", int(record["iteration"]), float(record[name]))


class Tail:
    """Reads the lines that were appended to a file since the last look, as far as they are whole."""

    def __init__(self, file: Path) -> None:
        self._file, self._place = file, 0

    def lines(self) -> Iterator[str]:
        """The new lines.

        Raises:
            OSError: the file cannot be read.
        """
        with self._file.open("rb") as stream:
            stream.seek(self._place)
            for line in stream:
                if not line.endswith(b"\n"):
                    return
                self._place += len(line)
                yield line.decode(errors="replace")


def read_report(path: Path) -> Report:
    """What a log tells, or the log in a folder that `netspec train -report` filled.

    Raises:
        NetspecError: it cannot be read, or tells of no training.
    """
    file = path / EVENTS if path.is_dir() else path
    report = Report(file.parent if file.name == EVENTS else None)
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                report.add(line)
    except OSError as error:
        raise NetspecError.at(f"the log cannot be read: {error.strerror}", file=str(file)) from error
    if not report.sessions and report.recording.is_empty:
        raise NetspecError.at(
            "the log tells of no training",
            file=str(file),
            help="expected a folder that -report filled, what -log_jsonl wrote, or a log as Caffe writes it",
        )
    return report
