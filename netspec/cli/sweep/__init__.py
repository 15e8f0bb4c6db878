"""`netspec sweep`: trains a solver with every combination of given values, and tabulates what came out."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli import flags
from netspec.errors import NetspecError, ParseError, UsageError

if TYPE_CHECKING:
    from netspec.cli.sweep.schedule import Room
    from netspec.schema.setting import Setting
    from netspec.solver.sweep import Checked, Run

HELP = "train with every combination of values, and tabulate the scores"

# What a process takes before it holds a net, and how much more than its net.
_PROCESS_BYTES, _SLACK = 2**29, 1.5


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("--solver", required=True, metavar="FILE", help="the solver's prototxt")
    parser.add_argument(
        "--set",
        action="append",
        required=True,
        metavar="PATH=A,B",
        help="values for a field of the solver (base_lr=0.1,0.01) or of its nets "
        "(net.layer.conv1.convolution_param.num_output=20,50); once for each field",
    )
    parser.add_argument("--o", default="sweep.md", metavar="FILE", help="the table, and a .csv beside it")
    parser.add_argument(
        "--runs", metavar="FOLDER", help="where the runs keep their files (the table's name with .runs)"
    )
    parser.add_argument(
        "--jobs", type=_jobs, default=0, metavar="N", help="how many runs at a time (auto: as there is room)"
    )
    parser.add_argument("--weights", default="", metavar="A,B", help="start from these weight files")
    flags.add_ignore_mismatched(parser)
    parser.add_argument("--gpu", metavar="A,B", help="the GPUs, one run on each at a time; or all")
    flags.add_allow_python_layers(parser)
    flags.add_compute(parser)


def run(args: Namespace) -> int:
    from netspec.cli.log import show_warnings, to_stderr
    from netspec.cli.sweep.schedule import Schedule
    from netspec.cli.sweep.table import Table
    from netspec.solver.sweep import RANDOM_SEED, check, plan

    settings, file, gpus = _settings(args.set), _table_file(args.o), flags.gpus(args)
    runs = plan(args.solver, settings)
    checked = check(
        runs,
        allow_python_layers=args.allow_python_layers,
        recompute=args.recompute,
        weights=flags.split(args.weights),
        ignore_mismatched=args.ignore_mismatched,
    )
    show_warnings(checked.warnings)
    if any(run.settings.message.random_seed < 0 for run in runs):
        to_stderr(f"the solver has no random_seed: each run takes {RANDOM_SEED}")
    paths = dict(zip(runs[0].values, (setting.path for setting in settings), strict=True))
    table = Table(file, f"Sweep of {args.solver}", runs, paths)
    work = Path(args.runs) if args.runs else file.with_suffix(".runs")
    with _alone(work):
        room = _room(args.jobs, gpus, runs, checked)
        to_stderr(f"{len(runs)} runs, {room}; their files are in {work}")
        return Schedule(runs, table, work, room, _train_flags(args)).run()


# What the flags say -----------------------------------------------------------------------------------------


def _jobs(text: str) -> int:
    """So many runs at a time; 0 for as many as there is room for."""
    try:
        return 0 if text == "auto" else flags.count(text)
    except ArgumentTypeError as error:
        raise ArgumentTypeError(f"{error}, or auto") from error


def _settings(texts: Sequence[str]) -> list[Setting]:
    """What -set asks for.

    Raises:
        ParseError: all that is wrong with how it is written.
        UsageError: a field has two.
    """
    from netspec.schema.setting import read_setting
    from netspec.text.diagnostic import Note
    from netspec.text.source import Span

    settings: dict[str, Setting] = {}
    found: list[ParseError] = []
    for text in texts:
        try:
            setting = read_setting(text)
        except ParseError as error:
            found.append(error)
            continue
        if setting.path == "snapshot_prefix":
            raise UsageError.at("-set snapshot_prefix: each run has a folder of its own for its snapshots")
        first = settings.setdefault(setting.path, setting)
        if first is not setting:
            note = Note("given before here", Span(first.source, 0, len(first.path)))
            span = Span(setting.source, 0, len(setting.path))
            help = "give all its values together, with commas between them"
            raise UsageError.at(f"a second -set for {setting.path}", span, help=help, notes=[note])
    if found:
        raise ParseError(diagnostic for error in found for diagnostic in error.diagnostics)
    return [*settings.values()]


def _table_file(name: str) -> Path:
    file = Path(name)
    if file.suffix.lower() != ".md":
        raise UsageError.at(f"-o {name}: expected a name that ends in .md")
    if not file.parent.is_dir():
        raise UsageError.at(f"-o {name}: there is no folder '{file.parent}'")
    return file


def _train_flags(args: Namespace) -> list[str]:
    """What the runs' command lines have in common, for what changes what comes out of them."""
    given = [f"-weights={args.weights}"] if args.weights else []
    given += [f"-engine={args.engine}"] if args.engine != "auto" else []
    given += [f"-precision={args.precision}"] if args.precision != "fp32" else []
    switches = ("ignore_mismatched", "allow_python_layers", "recompute", "deterministic")
    return given + [f"-{name}" for name in switches if getattr(args, name)]


# Where the runs go ------------------------------------------------------------------------------------------


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Keeps other sweeps off the folder.

    Raises:
        NetspecError: one is at work in it, or it cannot be written to.
    """
    from netspec.cli.sweep.lock import held

    def busy() -> None:
        help = "wait for it, or give this one a folder of its own with -runs"
        raise NetspecError.at("another sweep is at work here", file=str(work), help=help)

    try:
        work.mkdir(parents=True, exist_ok=True)
        with held(work / "lock", busy):
            yield
    except OSError as error:
        raise NetspecError.at(f"cannot be written: {error.strerror}", file=str(work)) from error


def _room(jobs: int, gpus: Sequence[int], runs: Sequence[Run], checked: Checked) -> Room:
    """How many runs work at a time, and on what."""
    from netspec.cli.sweep.schedule import Room

    cores = _cores()
    if not jobs:
        on_cpu = min(cores // (_own_threads() or 1), _fitting(checked))
        jobs = len(gpus) or (1 if _wants_gpu(runs) else on_cpu)
    jobs = max(1, min(jobs, len(runs)))
    threads = max(1, cores // jobs)
    return Room(jobs, min(threads, _own_threads() or threads), tuple(gpus))


def _wants_gpu(runs: Sequence[Run]) -> bool:
    """Whether the solver's own words put the runs on a GPU, which then holds one at a time."""
    import torch

    from netspec.schema.messages import SolverParameter

    modes = {run.settings.message.solver_mode for run in runs}
    return modes != {SolverParameter.CPU} and torch.cuda.is_available()


def _fitting(checked: Checked) -> int:
    """How many processes the memory holds."""
    from netspec.data.image_cache import free_memory

    return int(free_memory() // (_PROCESS_BYTES + _SLACK * checked.peak))


def _cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _own_threads() -> int:
    """How many threads the environment grants each process; 0 where it does not say."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() else 0
