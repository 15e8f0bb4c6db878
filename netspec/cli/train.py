"""`netspec train`: trains a net as its solver file says."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.cli import flags
from netspec.cli.report import duration, score
from netspec.errors import UsageError

if TYPE_CHECKING:
    from netspec.cli.live import LiveReport
    from netspec.schema.document import Document
    from netspec.schema.messages import SolverParameter
    from netspec.solver.events import Displayed, Event, Finished, Snapshotted, Tested
    from netspec.solver.trainer import Listener, Solver
    from netspec.text.diagnostic import Diagnostic

HELP = "train a solver's net, or go on from a snapshot"

EFFECTS = ("stop", "snapshot", "none")


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("--solver", required=True, metavar="FILE", help="the solver's prototxt")
    parser.add_argument("--snapshot", metavar="FILE", help="go on from this .solverstate")
    parser.add_argument(
        "--resume", choices=("auto",), help="auto: go on from the newest complete snapshot, if there is one"
    )
    parser.add_argument("--weights", default="", metavar="A,B", help="start from these weight files")
    flags.add_ignore_mismatched(parser)
    flags.add_gpu(parser)
    flags.add_allow_python_layers(parser)
    flags.add_compute(parser)
    parser.add_argument("--cache", action="store_true", help="keep decoded images in memory while they fit")
    flags.add_level_and_stage(parser)
    phases = ("TRAIN", "TEST")
    parser.add_argument(
        "--phase", type=str.upper, choices=phases, help="accepted as by Caffe; training is in phase TRAIN"
    )
    parser.add_argument(
        "--iterations", type=flags.count, metavar="N", help="stop after N iterations, with a snapshot"
    )
    for name, default in (("sigint", "stop"), ("sighup", "snapshot")):
        parser.add_argument(
            f"--{name}-effect", choices=EFFECTS, default=default, help=f"what {name.upper()} does ({default})"
        )
    parser.add_argument("--log-jsonl", metavar="FILE", help="append each event as a line of JSON")
    parser.add_argument("--tensorboard", metavar="FOLDER", help="write curves for TensorBoard")
    parser.add_argument("--report", metavar="FOLDER", help="keep a page about the training up to date there")
    parser.add_argument(
        "--no-picture", action="store_true", help="draw no picture of spatial transformers at the end"
    )


def run(args: Namespace) -> int:
    from netspec.cli.log import show_unused_gpus, show_warnings
    from netspec.solver.trainer import load_solver

    if args.snapshot and args.weights:
        raise UsageError.at(
            "-snapshot and -weights exclude each other",
            help="a snapshot holds the weights: give -weights alone to start from them",
        )
    if args.snapshot and args.resume:
        raise UsageError.at(
            "-snapshot and -resume exclude each other",
            help="-snapshot names the state to go on from, -resume auto finds the newest",
        )
    record = Record()
    with _listeners(args) as listeners, ExitStack() as stack:
        report = _report(args, stack)
        solver = load_solver(
            _document(args),
            device=flags.device(args),
            weights=flags.split(args.weights),
            ignore_mismatched=args.ignore_mismatched,
            listeners=[*listeners, *([report] if report else []), record],
            allow_python_layers=args.allow_python_layers,
            deterministic=args.deterministic,
            cache=args.cache,
            **flags.compute(args),
        )
        stack.callback(solver.close)
        warnings = _warnings(solver)
        show_warnings(warnings)
        if report:
            report.describe(solver, warnings)
        show_unused_gpus(flags.gpus(args))
        if args.snapshot:
            solver.restore(args.snapshot)
        if args.resume:
            solver.resume()
        if args.iterations:
            solver.listeners.append(_Limit(solver, args.iterations))
        with _signals(solver, args):
            solver.train()
        picture = None if args.no_picture else _draw(solver)
    print(record.report(solver, picture))
    return 0


def _document(args: Namespace) -> Document[SolverParameter]:
    """The solver's text, with the train net's state as -level and -stage have it."""
    from netspec.schema.document import load_document
    from netspec.schema.messages import SolverParameter

    document = load_document(args.solver, SolverParameter)
    if args.level is not None:
        document.message.train_state.level = args.level
    if args.stage:
        document.message.train_state.stage.extend(flags.split(args.stage))
    return document


def _warnings(solver: Solver) -> list[Diagnostic]:
    """What loading had to remark."""
    graphs = [net.graph for net in (solver.net, *solver.test_nets)]
    of_nets = [warning for graph in graphs for warning in graph.warnings]
    return [*solver.settings.document.warnings, *of_nets]


class Record:
    """Listens to a trainer and remembers what the last line tells."""

    def __init__(self) -> None:
        self.tested: dict[int, Tested] = {}
        self.displayed: Displayed | None = None
        self.snapshot: Snapshotted | None = None
        self.finished: Finished | None = None

    def __call__(self, event: Event) -> None:
        from netspec.solver import events

        match event:
            case events.Tested():
                self.tested[event.net] = event
            case events.Displayed():
                self.displayed = event
            case events.Snapshotted():
                self.snapshot = event
            case events.Finished():
                self.finished = event

    def report(self, solver: Solver, picture: Path | None) -> str:
        """The scores of the last tests, how long it took, and where the files lie."""
        parts = [", ".join(self._scores(solver)), "stopped" if self.finished and self.finished.early else ""]
        if self.finished is not None:
            iterations = f"after {self.finished.iteration} iterations"
            parts.append(f"{iterations} in {duration(self.finished.seconds)}")
        files = [f"snapshot {self.snapshot.weights}"] if self.snapshot else []
        files += [f"picture {picture}"] if picture else []
        return "; ".join(filter(None, [" ".join(filter(None, parts)), ", ".join(files)]))

    def _scores(self, solver: Solver) -> Iterator[str]:
        for index, tested in sorted(self.tested.items()):
            late = self.finished is not None and tested.iteration == self.finished.iteration
            when = "" if late else f", iteration {tested.iteration}"
            yield f"{score(solver.test_nets[index], tested.outputs)} (test net #{index}{when})"
        if not self.tested and self.displayed is not None:
            yield f"loss {self.displayed.loss:.4g} (train net)"


@contextmanager
def _listeners(args: Namespace) -> Iterator[list[Listener]]:
    """The log, below it a progress bar where somebody watches, and what the flags ask for besides."""
    with ExitStack() as stack:
        yield [*_to_files(args, stack), *_to_stderr(stack)]


def _report(args: Namespace, stack: ExitStack) -> LiveReport | None:
    if not args.report:
        return None
    from netspec.cli.live import LiveReport

    return stack.enter_context(LiveReport(Path(args.report)))


def _to_files(args: Namespace, stack: ExitStack) -> Iterator[Listener]:
    if args.log_jsonl:
        from netspec.cli.jsonl import JsonLines

        yield stack.enter_context(JsonLines(Path(args.log_jsonl)))
    if args.tensorboard:
        from netspec.cli.tensorboard import TensorBoard

        yield stack.enter_context(TensorBoard(Path(args.tensorboard)))


def _to_stderr(stack: ExitStack) -> Iterator[Listener]:
    from netspec.cli.log import CaffeLog

    if not sys.stderr.isatty():
        yield CaffeLog()
        return
    from rich.console import Console

    from netspec.cli.progress import ProgressBar

    bar = stack.enter_context(ProgressBar(Console(stderr=True)))
    yield CaffeLog(bar.write)
    yield bar


class _Limit:
    """Listens to a trainer and asks it to stop after so many iterations of this run."""

    def __init__(self, solver: Solver, iterations: int) -> None:
        self._solver = solver
        self._last = solver.iteration + iterations
        self._end = solver.settings.message.max_iter

    def __call__(self, event: Event) -> None:
        from netspec.solver.events import Iterated

        if isinstance(event, Iterated) and self._last <= event.iteration < self._end:
            self._solver.stop_requested = True


@contextmanager
def _signals(solver: Solver, args: Namespace) -> Iterator[None]:
    """Lets SIGINT and SIGHUP ask the solver to stop or to take a snapshot, after the iteration it is in."""
    effects = {signal.SIGINT: args.sigint_effect}
    if hasattr(signal, "SIGHUP"):
        effects[signal.SIGHUP] = args.sighup_effect

    def handle(number: int, frame: Any) -> None:
        _ask(solver, effects[signal.Signals(number)])

    before = {number: signal.signal(number, handle) for number in effects}
    try:
        yield
    finally:
        _restore(before)


def _ask(solver: Solver, effect: str) -> None:
    if effect == "stop":
        if solver.stop_requested:  # asked twice: whoever asks does not want to wait
            raise KeyboardInterrupt
        solver.stop_requested = True
    elif effect == "snapshot":
        solver.snapshot_requested = True


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _draw(solver: Solver) -> Path | None:
    """Draws the spatial transformers of the first net that has some, beside the snapshots."""
    from netspec.viz.stn import draw_transformers, save, transformers

    net = next((net for net in [*solver.test_nets, solver.net] if transformers(net)), None)
    if net is None:
        return None
    file = Path(f"{solver.settings.prefix}_iter_{solver.iteration}.png")
    save(draw_transformers(net), file)
    return file
