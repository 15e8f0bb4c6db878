"""What a solver file asks for, checked as a whole before anything is built."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from netspec.errors import SolverError
from netspec.passes.solver_type import name_solver_type, two_types
from netspec.schema.document import Document, load_document
from netspec.schema.messages import TEST, TRAIN, NetParameter, NetState, SolverParameter
from netspec.solver.lr_policy import NEEDS, POLICIES
from netspec.solver.rules import RULES
from netspec.text.diagnostic import Diagnostic, in_text_order
from netspec.text.paths import candidates, resolve
from netspec.text.suggest import nearest, one_of

SolverSource = str | PathLike[str] | SolverParameter | Document[SolverParameter]

_TRAIN_NETS = ("net", "net_param", "train_net", "train_net_param")
_TEST_NETS = ("test_iter", "test_net", "test_net_param")  # any of them asks for tests
_POSITIVE = ("stepsize", "max_iter")
_DECAYS = ("momentum", "momentum2", "rms_decay")
# What NVIDIA's fork adds to the arithmetic of training, and what each is where it adds nothing.
_NVIDIA = {
    "rampup_interval": 0,
    "min_lr": 0.0,
    "momentum_policy": "fixed",
    "weight_decay_policy": "fixed",
    "larc": False,
}


@dataclass(frozen=True)
class NetSource:
    """One of the nets that a solver names.

    Attributes:
        net: the file, or the net itself.
        phase: what the solver takes it for, unless the net or ``state`` says otherwise.
        state: what goes over the net's own state.
        batches: how many of them a test takes; 0 for the train net.
    """

    net: Path | Document[NetParameter]
    phase: int
    state: NetState
    batches: int = 0


@dataclass(frozen=True)
class Settings:
    """A solver file that contradicts neither itself nor what netspec can do.

    Attributes:
        document: the message and its places in the text.
        type: the update rule's name.
        train: the train net.
        tests: the test nets, in Caffe's order.
        weights: files to start from, in the order in which they are loaded.
    """

    document: Document[SolverParameter]
    type: str
    train: NetSource
    tests: tuple[NetSource, ...]
    weights: tuple[Path, ...]

    @property
    def message(self) -> SolverParameter:
        """The solver's message."""
        return self.document.message

    @property
    def prefix(self) -> str:
        """What the names of snapshots begin with: ``snapshot_prefix``, in which a folder stands for a file
        of the solver's name in it; without one, the solver's path without its extension. A folder that is
        missing in the working directory may lie beside the solver."""
        path = self.document.source.path or Path("solver")
        given = self.message.snapshot_prefix
        if not given:
            return str(path.with_suffix(""))
        places = [
            place / path.stem if given.endswith("/") or place.is_dir() else place
            for place in candidates(given, self.document.spans.at("snapshot_prefix"))
        ]
        return str(next((place for place in places if place.parent.is_dir()), places[0]))

    def error(self, message: str, *path: str | int, help: str | None = None) -> SolverError:
        """An error about a field of the solver."""
        return SolverError([_finding(self.document, message, *path, help=help)])

    def check_snapshot_folder(self) -> None:
        """Makes sure that snapshots can be written, before hours of training rely on it.

        Raises:
            SolverError: their folder is missing or cannot be written to.
        """
        folder = Path(self.prefix).parent
        help = "snapshot_prefix is the start of a file name; its folder must exist and be writable"
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            message = f"snapshots cannot be written to the folder '{folder}': {error.strerror}"
            raise self.error(message, "snapshot_prefix", help=help) from error


def load_settings(source: SolverSource) -> Settings:
    """Reads and checks a solver: a file, a message, or a document that is already read.

    Raises:
        ParseError: the text is no solver.
        SolverError: everything that contradicts itself, in the order of the text.
        NetError: a net or a weight file that it names does not exist.
    """
    document = name_solver_type(_document(source))
    checks = (_nets, _tests, _rate, _rule, _counts, _numbers, _forks)
    findings = [finding for check in checks for finding in check(document)]
    if findings:
        raise SolverError(in_text_order(findings))
    return Settings(
        document,
        document.message.type,
        _train_source(document),
        tuple(_test_sources(document)),
        _weights(document),
    )


def _document(source: SolverSource) -> Document[SolverParameter]:
    if isinstance(source, Document):
        return source
    if isinstance(source, SolverParameter):
        return Document.from_message(source)
    return load_document(source, SolverParameter)


# The checks ---------------------------------------------------------------------------------------------


def _finding(
    document: Document[SolverParameter], message: str, *path: str | int, help: str | None = None
) -> Diagnostic:
    return Diagnostic(message, document.spans.at(*path), help=help)


def _nets(document: Document[SolverParameter]) -> Iterator[Diagnostic]:
    given = [name for name in _TRAIN_NETS if document.message.HasField(name)]
    if not given:
        help = 'name the file of the net: net: "train_val.prototxt"'
        yield _finding(document, f"the solver names no train net: expected {one_of(_TRAIN_NETS)}", help=help)
    for name in given[1:]:
        message = f"a second train net: '{given[0]}' names one already"
        yield _finding(document, message, name, help=f"keep exactly one of {one_of(_TRAIN_NETS)}")


def _tests(document: Document[SolverParameter]) -> Iterator[Diagnostic]:
    param = document.message
    own = len(param.test_net) + len(param.test_net_param)
    generic = param.HasField("net") or param.HasField("net_param")
    tests = max(own, len(param.test_iter)) if generic else own
    given = next((name for name in _TEST_NETS if len(getattr(param, name))), "")
    if len(param.test_iter) != tests:
        place = ("test_iter", tests) if len(param.test_iter) > tests else (given,)
        message = f"expected {tests} test_iter, one for each test net, not {len(param.test_iter)}"
        yield _finding(document, message, *place, help="test_iter is the number of batches of a test")
    if tests and param.test_interval <= 0:
        help = "test_interval is the number of iterations between two tests"
        message = "expected a positive test_interval, as there are test nets"
        if param.HasField("test_interval"):
            yield _finding(document, f"{message}, not {param.test_interval}", "test_interval", help=help)
        else:
            yield _finding(document, message, given, help=help)
    if param.test_state and len(param.test_state) != tests:
        message = f"expected one test_state for each of the {tests} test nets, not {len(param.test_state)}"
        yield _finding(
            document, message, "test_state", 0, help="give one test_state for each test net, or none"
        )
    for index, batches in enumerate(param.test_iter):
        if batches <= 0:
            yield _finding(
                document, f"expected a positive number of batches, not {batches}", "test_iter", index
            )


def _rate(document: Document[SolverParameter]) -> Iterator[Diagnostic]:
    param, policy = document.message, document.message.lr_policy
    if not param.HasField("base_lr"):
        yield _finding(
            document, "the solver has no base_lr", help="the learning rate to start from: base_lr: 0.01"
        )
    if policy not in POLICIES:
        guess = nearest(policy, POLICIES)
        help = (f"did you mean '{guess}'? " if guess else "") + f"the policies are {', '.join(POLICIES)}"
        message = f"unknown lr_policy '{policy}'" if policy else "the solver has no lr_policy"
        yield _finding(document, message, "lr_policy", help=help)
    for name in NEEDS.get(policy, ()):
        yield from _needed(document, name)


def _needed(document: Document[SolverParameter], name: str) -> Iterator[Diagnostic]:
    param, policy = document.message, document.message.lr_policy
    value = getattr(param, name)
    if name == "stepvalue":
        if not value:
            yield _finding(document, "the lr_policy 'multistep' needs at least one stepvalue", "lr_policy")
        for index in range(1, len(value)):
            if value[index] < value[index - 1]:
                message = f"expected stepvalue in rising order, not {value[index]} after {value[index - 1]}"
                yield _finding(document, message, name, index)
    elif name == "plateau_winsize":
        if not value:
            yield _finding(
                document, "the lr_policy 'plateau' needs at least one plateau_winsize", "lr_policy"
            )
        for index, length in enumerate(value):
            if length <= 0:
                yield _finding(document, f"expected a positive {name}, not {length}", name, index)
    elif not param.HasField(name):
        yield _finding(document, f"the lr_policy '{policy}' needs {name}", "lr_policy")
    elif name in _POSITIVE and value <= 0:
        yield _finding(document, f"the lr_policy '{policy}' needs a positive {name}, not {value:g}", name)
    elif name == "gamma" and policy != "sigmoid" and -math.inf < value < 0:
        yield _finding(document, f"expected gamma to be at least 0, not {value:g}", name)


def _rule(document: Document[SolverParameter]) -> Iterator[Diagnostic]:
    param = document.message
    yield from two_types(document)
    if param.type not in RULES:
        guess = nearest(param.type, RULES)
        hint = f"did you mean '{guess}'? " if guess else ""
        help = f"{hint}the types are {', '.join(RULES)}"
        yield _finding(document, f"the solver type '{param.type}' is unknown", "type", help=help)
    else:
        yield from _options(document, RULES[param.type].settings)
    if param.regularization_type not in ("L1", "L2"):
        message = f"expected L1 or L2, not '{param.regularization_type}'"
        yield _finding(document, message, "regularization_type")


def _options(document: Document[SolverParameter], settings: Sequence[str]) -> Iterator[Diagnostic]:
    """What is wrong with the options of an update rule that has these ``settings``."""
    param = document.message
    if param.momentum and "momentum" not in settings:
        message = f"{param.type} has no momentum, but momentum is {param.momentum:g}"
        help = f"remove momentum; its own options are {', '.join(settings)}"
        yield _finding(document, message, "momentum", help=help)
    for name in settings:
        value = getattr(param, name)
        if not math.isfinite(value):
            continue  # said elsewhere
        if name in _DECAYS and not 0 <= value < 1:
            message = f"expected {name} to be at least 0 and less than 1, not {value:g}"
            yield _finding(document, message, name)
        elif value < 0:
            yield _finding(document, f"expected {name} to be at least 0, not {value:g}", name)


def _counts(document: Document[SolverParameter]) -> Iterator[Diagnostic]:
    least = {
        "average_loss": 1,
        "iter_size": 1,
        "max_iter": 0,
        "display": 0,
        "snapshot": 0,
    }
    for name, bound in least.items():
        value = getattr(document.message, name)
        if value < bound:
            yield _finding(document, f"expected {name} to be at least {bound}, not {value}", name)


def _numbers(document: Document[SolverParameter]) -> Iterator[Diagnostic]:
    param = document.message
    for field, value in param.ListFields():
        if isinstance(value, float) and not math.isfinite(value):
            yield _finding(document, f"expected {field.name} to be a finite number, not {value}", field.name)
    for name in ("base_lr", "weight_decay"):
        if -math.inf < getattr(param, name) < 0:
            message = f"expected {name} to be at least 0, not {getattr(param, name):g}"
            yield _finding(document, message, name)


def _forks(document: Document[SolverParameter]) -> Iterator[Diagnostic]:
    for name, idle in _NVIDIA.items():
        if getattr(document.message, name) != idle:
            help = "it is of NVIDIA's fork; without it training follows Caffe"
            yield _finding(document, f"{name} is not available", name, help=help)


# The parts ----------------------------------------------------------------------------------------------


def _train_source(document: Document[SolverParameter]) -> NetSource:
    name = next(name for name in _TRAIN_NETS if document.message.HasField(name))
    return NetSource(_net(document, name), TRAIN, document.message.train_state)


def _test_sources(document: Document[SolverParameter]) -> Iterator[NetSource]:
    param = document.message
    places: list[tuple[str | int, ...]] = [("test_net_param", i) for i in range(len(param.test_net_param))]
    places += [("test_net", i) for i in range(len(param.test_net))]
    generic = "net_param" if param.HasField("net_param") else "net"
    places += [(generic,)] * (len(param.test_iter) - len(places))
    for index, (place, batches) in enumerate(zip(places, param.test_iter, strict=True)):
        own = param.test_state[index] if param.test_state else NetState()
        yield NetSource(_net(document, *place), TEST, own, batches)


def _net(document: Document[SolverParameter], *place: str | int) -> Path | Document[NetParameter]:
    value: Any = document.message
    for step in place:
        value = getattr(value, step) if isinstance(step, str) else value[step]
    if isinstance(value, NetParameter):
        return Document(value, document.spans.sub(*place), document.source, ())
    return resolve(value, document.spans.at(*place), "the solver's net")


def _weights(document: Document[SolverParameter]) -> tuple[Path, ...]:
    return tuple(
        resolve(path, document.spans.at("weights", index), "the solver's weights")
        for index, paths in enumerate(document.message.weights)
        for path in split_paths(paths)
    )


def split_paths(paths: str) -> list[str]:
    """The paths of a comma-separated list, as Caffe's ``-weights`` takes it."""
    return [path.strip() for path in paths.split(",") if path.strip()]
