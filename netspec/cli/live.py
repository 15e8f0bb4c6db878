"""A page about a training, in a folder of its own, that is kept up to date while the training goes on."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, time
from types import TracebackType
from typing import TYPE_CHECKING, Any

import torch

import netspec
from netspec.cli import device_query
from netspec.cli.jsonl import JsonLines
from netspec.cli.log import glog, to_stderr
from netspec.errors import UsageError, WeightsError
from netspec.solver.events import Event, Finished, Iterated, Started, Tested
from netspec.solver.settings import NetSource
from netspec.text.diagnostic import Diagnostic, render
from netspec.text.parser import read_source
from netspec.text.source import Source
from netspec.viz.live_pictures import LivePictures
from netspec.viz.net import merged, view_of
from netspec.viz.page import draw_page
from netspec.viz.report import DRAWING, EVENTS, PAGE, PICTURES, Report, Tail
from netspec.viz.report_page import PATIENCE, draw_report
from netspec.weights.files import clear_leftovers, write_atomically

if TYPE_CHECKING:
    from netspec.compiler.net import Net
    from netspec.solver.trainer import Solver

FLAG = "-report"

LEAST = 2.0  # seconds between two pages
SHARE = 0.007  # of the time, at most, for pages, and as much for pictures
GRACE = 0.3  # seconds for pictures besides, so that a short training has some


class LiveReport:
    """Listens to a trainer and writes ``index.html``, which is whole in itself, into a folder.

    Beside it lie ``events.jsonl``, from which the page is made, and the net's drawing and the transformers'
    pictures, which are in the page too. A training that goes on in the same folder goes on with the page. The
    page is written whole or not at all, so that a kill leaves the last one.

    Args:
        folder: where all this goes; it appears if it does not exist.

    Raises:
        UsageError: the folder cannot be written, or holds another page.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pages, self._shots = _Budget(least=LEAST), _Budget(grace=GRACE)
        self._pictures: LivePictures | None = None
        self._iteration = 0
        self._patience = PATIENCE
        self._failed = False
        self._report = Report(folder)
        with _reporting(folder):
            _require_ours(folder)
            (folder / PICTURES).mkdir(parents=True, exist_ok=True)
            self._lines = JsonLines(folder / EVENTS, FLAG)
            self._tail = Tail(folder / EVENTS)
            self._lines.write("opened", _opened())
            self._save()

    def __enter__(self) -> LiveReport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.__exit__(kind, error, trace)
        self._write()

    def describe(self, solver: Solver, warnings: Sequence[Diagnostic] = ()) -> None:
        """Tells the page what is trained, and where; to be called once, before the training begins."""
        nets = [solver.net, *solver.test_nets]
        page = draw_page(merged([view_of(net.graph) for net in nets]))
        with _reporting(self._folder):
            write_atomically(self._folder / DRAWING, [page.encode()])
        reasons = [LivePictures.reason_against(net) for net in solver.test_nets]
        if "" in reasons:
            self._pictures = LivePictures(solver, reasons.index(""))
            with self._surviving("pictures"):
                # The first one takes far longer, which the training need not wait for.
                self._pictures.draw(-1)
        fields = {
            "texts": list(_texts(solver)),
            "machine": [[name, str(value)] for name, value in device_query.machine(solver.device)],
            "accuracies": {f"test{index}": _accuracies(net) for index, net in enumerate(solver.test_nets)},
            "images": solver.net.batch_size * solver.settings.message.iter_size,
            "warnings": list(dict.fromkeys(render([warning]) for warning in warnings)),
            "no_pictures": "" if self._pictures else _why_none(reasons),
        }
        self._lines.write("described", fields)
        self._write()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Iterated):
            self._iteration = event.iteration
        elif isinstance(event, Started):
            self._pages, self._shots = _Budget(least=LEAST), _Budget(grace=GRACE)
        self._lines(event)
        if isinstance(event, Tested | Finished):
            self._draw(event)
        at_once = isinstance(event, Started | Finished)
        if at_once or self._pages.allows(eager=isinstance(event, Tested)):
            self._write()

    def _draw(self, event: Tested | Finished) -> None:
        """Draws what the transformers do at a test, and at the end what they do then."""
        if self._pictures is None:
            return
        tested = isinstance(event, Tested) and event.net == self._pictures.index and self._shots.allows()
        ended = isinstance(event, Finished) and self._pictures.drawn != event.iteration
        if not tested and not ended:
            return
        with self._surviving("pictures"), self._shots.spending():
            name = f"iter_{event.iteration}.jpg"
            picture = self._pictures.draw(event.iteration)
            write_atomically(self._folder / PICTURES / name, [picture.content])
            fields = {"iteration": event.iteration, "file": name}
            self._lines.write("pictured", {**fields, "width": picture.width, "height": picture.height})

    def _write(self) -> None:
        if not self._failed:
            with self._surviving("pages"):
                self._save()

    def _save(self) -> None:
        silent = self._pages.since
        with self._pages.spending():
            for line in self._tail.lines():
                self._report.add(line)
            self._patience = max(self._patience, 4 * silent)
            page = draw_report(
                self._report,
                written=time(),
                live=True,
                iteration=self._iteration,
                patience=self._patience,
            )
            write_atomically(self._folder / PAGE, [page.encode()])
            self._clear_pictures()

    def _clear_pictures(self) -> None:
        """Removes the pictures that the report has thinned out."""
        kept = {shot.name for shot in self._report.pictures}
        for file in (self._folder / PICTURES).glob("iter_*.jpg"):
            if file.name not in kept:
                with suppress(OSError):
                    file.unlink()

    @contextmanager
    def _surviving(self, what: str) -> Iterator[None]:
        """A training is worth more than its report, whatever is wrong with that."""
        try:
            yield
        except Exception as error:
            reason = str(error) or type(error).__name__
            to_stderr(glog(f"{FLAG}: no more {what}: {reason}", "live.py:1", "W"))
            if what == "pages":
                self._failed = True
            self._pictures = None


class _Budget:
    """Says when something may be done again that must take no more than a share of the time."""

    def __init__(self, *, least: float = 0, grace: float = 0) -> None:
        self._least, self._grace = least, grace
        self._begun = self._ended = monotonic()
        self._spent = 0.0

    @property
    def since(self) -> float:
        """The seconds since it was done last."""
        return monotonic() - self._ended

    def allows(self, *, eager: bool = False) -> bool:
        """Whether it is time, or at least, where somebody is ``eager``, within the share."""
        passed = monotonic() - self._begun
        return (eager or self.since >= self._least) and self._spent <= self._grace + SHARE * passed

    @contextmanager
    def spending(self) -> Iterator[None]:
        """The time that passes inside counts."""
        begun = monotonic()
        try:
            yield
        finally:
            self._ended = monotonic()
            self._spent += self._ended - begun


def _opened() -> dict[str, Any]:
    """What can be told before anything is read."""
    program = Path(sys.argv[0]).name
    program = "python -m netspec" if program == "__main__.py" else program
    versions = {
        "netspec": netspec.__version__,
        "PyTorch": torch.__version__,
        "Python": platform.python_version(),
    }
    command = f"{program} {shlex.join(sys.argv[1:])}"
    return {"command": command, "folder": str(Path.cwd()), "versions": versions}


def _texts(solver: Solver) -> Iterator[tuple[str, str, str]]:
    """What each text is, its name, and the text itself; a text that serves several nets comes once."""
    document = solver.settings.document
    yield "solver", document.source.name, document.source.text
    nets = (solver.settings.train, *solver.settings.tests)
    sources = {source.name: source for source in map(_source, nets)}
    for source in sources.values():
        yield "net", source.name, source.text


def _source(net: NetSource) -> Source:
    return read_source(net.net) if isinstance(net.net, Path) else net.net.source


def _accuracies(net: Net) -> list[str]:
    """The blobs in which Accuracy layers tell their scores."""
    judges = (node for node in net.graph.nodes if node.layer.spec.type == "Accuracy")
    return [top.name for node in judges for top in node.tops]


def _why_none(reasons: Sequence[str]) -> str:
    """Why there are no pictures, where somebody might wonder."""
    if not reasons:
        return "There are no pictures: they are made with a test net, and the solver has none."
    listed = "; ".join(f"test net {index} {reason}" for index, reason in enumerate(reasons))
    return f"There are no pictures: {listed}."


def _require_ours(folder: Path) -> None:
    """Makes sure that no other page is written over.

    Raises:
        UsageError: there is one.
    """
    if (folder / PAGE).exists() and not (folder / EVENTS).exists():
        help = "name another folder; it need not exist"
        raise UsageError.at(f"{FLAG} {folder}: the folder has an {PAGE} that is no report", help=help)
    clear_leftovers(folder / PAGE)


@contextmanager
def _reporting(folder: Path) -> Iterator[None]:
    """Says of what cannot be written that -report asked for it."""
    try:
        yield
    except OSError as error:
        raise UsageError.at(f"{FLAG} {folder}: {error.strerror}") from error
    except WeightsError as error:
        raise UsageError.at(f"{FLAG} {folder}: {error.diagnostics[0].message}") from error
