"""A sweep: a solver, settings of fields of it and of its nets, and a run for each combination of values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from netspec.compiler.compute import Compute
from netspec.compiler.engines.choice import find_obstacle
from netspec.errors import NetspecError
from netspec.graph.build import build_graph
from netspec.passes.upgrade import upgrade_net
from netspec.schema.document import Document, load_document
from netspec.schema.messages import NetParameter, SolverParameter
from netspec.schema.setting import Setting
from netspec.solver.footprint import predict
from netspec.solver.settings import NetSource, Settings, load_settings
from netspec.solver.trainer import Solver, document_and_state
from netspec.text.diagnostic import Diagnostic, Note, render
from netspec.text.printer import print_message

# What all runs start from where the solver leaves the seed to chance: rows are to differ by their values.
RANDOM_SEED = 1
SOLVER_FILE = "solver.prototxt"

_OWN_NETS = ("net_param", "train_net_param", "test_net_param")
_PATH_FIELDS = re.compile(r"source|root_folder|(?:\w+_)?(?:file|file_name|prefix)|meanfile")
_LONGEST_NAME = 80

Choice = Sequence[tuple[Setting, int]]
Nets = Mapping[Path, Document[NetParameter]]


@dataclass(frozen=True)
class Run:
    """One combination.

    Attributes:
        number: from 1, in the order of the combinations.
        values: what each column has in it, as it was written.
        label: the values that are not the same in all runs, as people read them: ``base_lr=0.1 std=2``.
        settings: the solver with these values.
        nets: the nets that the solver names by their files, with these values.
    """

    number: int
    values: Mapping[str, str]
    label: str
    settings: Settings
    nets: Nets

    @property
    def name(self) -> str:
        """The combination as a folder may be called; no two runs of a sweep are called alike."""
        # No commas: they part the files in -weights.
        parts = [part for pair in self.values.items() for part in pair]
        clean = [re.sub(r"[^\w.-]", "_", part, flags=re.ASCII) for part in parts]
        name = "+".join(f"{column}={value}" for column, value in zip(clean[::2], clean[1::2], strict=True))
        if clean == parts and len(name) <= _LONGEST_NAME:
            return name
        return f"{name[:_LONGEST_NAME]}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:8]}"

    @property
    def sources(self) -> list[NetSource]:
        """The train net, then the test nets."""
        return [
            replace(source, net=self.nets[source.net]) if isinstance(source.net, Path) else source
            for source in (self.settings.train, *self.settings.tests)
        ]

    @property
    def accuracies(self) -> frozenset[str]:
        """The blobs that say which share of a test's answers was right."""
        nets = [upgrade_net(document_and_state(source)[0]).message for source in self.sources[1:]]
        layers = [layer for net in nets for layer in net.layer if layer.type == "Accuracy"]
        return frozenset(top for layer in layers for top in layer.top)

    def texts(self, folder: Path) -> dict[str, str]:
        """The texts of the nets and, last, of the solver, by file name, for a run that keeps all that it
        writes in a folder. A path in them means what it means in the texts that they come from."""
        solver: Any = SolverParameter()
        solver.CopyFrom(self.settings.message)
        solver.snapshot_prefix = str(folder / "snapshot")
        if solver.random_seed < 0:
            solver.random_seed = RANDOM_SEED
        solver.weights[:] = [str(path) for path in self.settings.weights]
        for field in _OWN_NETS:
            _anchor(getattr(solver, field), self.settings.document.source.folder)
        files = self._name_files(solver, folder)
        nets = {name: _anchored(self.nets[path]) for path, name in files.items()}
        return {name: print_message(message) for name, message in {**nets, SOLVER_FILE: solver}.items()}

    def _name_files(self, solver: Any, folder: Path) -> dict[Path, str]:
        """Lets a solver name the nets' files in the folder; these files, by those that they stand for."""
        files: dict[Path, str] = {}
        for field in ("net", "train_net"):
            if solver.HasField(field) and isinstance(self.settings.train.net, Path):
                name = files.setdefault(self.settings.train.net, f"{field}.prototxt")
                setattr(solver, field, str(folder / name))
        named = self.settings.tests[len(solver.test_net_param) :][: len(solver.test_net)]
        for index, source in enumerate(named):
            if isinstance(source.net, Path):
                name = files.setdefault(source.net, f"test_net_{index}.prototxt")
                solver.test_net[index] = str(folder / name)
        return files


@dataclass(frozen=True)
class Checked:
    """What is known of a sweep's runs before the first one starts.

    Attributes:
        warnings: what is odd about the texts, but no error.
        peak: the bytes that the largest of the runs takes at its worst moment; 0 where that is not known.
    """

    warnings: tuple[Diagnostic, ...]
    peak: int


# Planning ---------------------------------------------------------------------------------------------------


def plan(solver: str | PathLike[str], settings: Sequence[Setting]) -> list[Run]:
    """The runs: every combination, the last setting's values changing fastest.

    Raises:
        NetspecError: all that is wrong with the texts and the settings, each finding once.
    """
    document = load_document(solver, SolverParameter)
    columns = name_columns([setting.path for setting in settings])
    choices = [*product(*(range(len(setting.values)) for setting in settings))]
    various = [name for name, setting in zip(columns, settings, strict=True) if setting.values[1:]] or columns
    findings, runs = _Findings(len(choices)), []
    load = cache(_load_net)
    for number, indices in enumerate(choices, 1):
        choice = [*zip(settings, indices, strict=True)]
        written = [setting.values[index].text for setting, index in choice]
        values = dict(zip(columns, written, strict=True))
        label = " ".join(f"{name}={values[name]}" for name in various)
        with findings.collected(label):
            runs.append(Run(number, values, label, *_combine(document, choice, load)))
    findings.end()
    return runs


def name_columns(paths: Sequence[str]) -> list[str]:
    """The shortest ends of paths that tell them from each other."""
    ends = [[".".join(parts[-n:]) for n in range(1, len(parts) + 1)] for parts in _split(paths)]
    return [next((end for end in own if sum(end in others for others in ends) == 1), own[-1]) for own in ends]


def _split(paths: Iterable[str]) -> list[list[str]]:
    return [path.split(".") for path in paths]


def _load_net(path: Path) -> Document[NetParameter]:
    return load_document(path, NetParameter)


def _combine(
    document: Document[SolverParameter], choice: Choice, load: Callable[[Path], Document[NetParameter]]
) -> tuple[Settings, Nets]:
    """The solver and its nets with one value of each setting.

    Raises:
        NetspecError: a value does not fit its field, or the solver does not fit itself.
    """
    errors: list[NetspecError] = []
    for setting, index in choice:
        if not setting.is_of_net:
            with _noted(errors):
                document = setting.put(document, index)
    settings = None
    with _noted(errors):
        settings = load_settings(document)
    sources = (settings.train, *settings.tests) if settings else ()
    nets = {source.net: load(source.net) for source in sources if isinstance(source.net, Path)}
    own = {place: _sub(document, *place) for place in _own_nets(document.message)}
    for setting, index in choice:
        if setting.is_of_net and settings:
            with _noted(errors):
                _put(setting, index, nets, own)
    if errors or settings is None:
        raise _kind(errors)(diagnostic for error in errors for diagnostic in error.diagnostics)
    if own:
        settings = load_settings(_with_nets(document, own))
    return settings, nets


def _put(setting: Setting, index: int, *groups: dict[Any, Document[NetParameter]]) -> None:
    """Changes the nets that a setting fits.

    Raises:
        ParseError: it fits none, or its value does not fit.
    """
    fitting = [(nets, key) for nets in groups for key, net in nets.items() if setting.fits(net.message)]
    if not fitting:
        raise setting.no_layer([net.message for nets in groups for net in nets.values()])
    for nets, key in fitting:
        nets[key] = setting.put(nets[key], index)


def _own_nets(solver: Any) -> Iterator[tuple[str, ...] | tuple[str, int]]:
    """The places of the nets that are part of a solver's text."""
    yield from ((name,) for name in _OWN_NETS[:2] if solver.HasField(name))
    yield from ((_OWN_NETS[2], index) for index in range(len(solver.test_net_param)))


def _sub(document: Document[SolverParameter], name: str, *index: int) -> Document[NetParameter]:
    value: Any = getattr(document.message, name)
    message = value[index[0]] if index else value
    return Document(message, document.spans.sub(name, *index), document.source)


def _with_nets(
    document: Document[SolverParameter], nets: Mapping[tuple[Any, ...], Document[NetParameter]]
) -> Document[SolverParameter]:
    message = SolverParameter()
    message.CopyFrom(document.message)
    entries = {**document.spans.entries}
    for (name, *index), net in nets.items():
        value: Any = getattr(message, name)
        (value[index[0]] if index else value).CopyFrom(net.message)
        entries[name] = [*entries.get(name, [net.spans])]
        entries[name][index[0] if index else 0] = net.spans
    return replace(document, message=message, spans=document.spans.placed(entries))


# Texts ------------------------------------------------------------------------------------------------------


def _anchored(document: Document[NetParameter]) -> NetParameter:
    net = NetParameter()
    net.CopyFrom(document.message)
    _anchor(net, document.source.folder)
    return net


def _anchor(value: Any, folder: Path | None) -> None:
    """Lets the paths in a message that lead somewhere from ``folder`` alone lead there from here, too."""
    if hasattr(value, "extend"):
        for element in value:
            _anchor(element, folder)
    elif hasattr(value, "ListFields") and folder is not None:
        for field, inner in value.ListFields():
            if field.message_type is not None:
                _anchor(inner, folder)
            elif _PATH_FIELDS.fullmatch(field.name) and _lies_beside(inner, folder):
                # As it was written but for the folder: a slash at the end of a root_folder counts.
                setattr(value, field.name, f"{folder.as_posix()}/{inner}")


def _lies_beside(path: Any, folder: Path) -> bool:
    return isinstance(path, str) and path != "" and not Path(path).exists() and (folder / path).exists()


# Checking ---------------------------------------------------------------------------------------------------


def check(
    runs: Sequence[Run],
    *,
    allow_python_layers: bool = False,
    recompute: bool = False,
    weights: Sequence[str] = (),
    ignore_mismatched: bool = False,
) -> Checked:
    """Builds each run's nets, each kind once, as training will: hours later is too late for an error.

    Raises:
        NetspecError: all that is wrong with the runs, each finding once.
    """
    findings = _Findings(len(runs))
    built: dict[bytes, Checked | NetspecError] = {}

    def build(run: Run) -> Checked:
        solver = _build(run, allow_python_layers, weights, ignore_mismatched)
        warnings = [warning for net in (solver.net, *solver.test_nets) for warning in net.graph.warnings]
        peak = _peak(run, Compute(recompute=recompute), allow_python_layers)
        return Checked((*run.settings.document.warnings, *warnings), peak)

    for run in runs:
        key = _key(run)
        with findings.collected(run.label):
            if key not in built:
                try:
                    built[key] = build(run)
                except NetspecError as error:
                    built[key] = error
            if isinstance(found := built[key], NetspecError):
                raise found
    findings.end()
    checked = [found for found in built.values() if isinstance(found, Checked)]
    warnings = {render([warning]): warning for found in checked for warning in found.warnings}
    return Checked(tuple(warnings.values()), max(found.peak for found in checked))


def _key(run: Run) -> bytes:
    """What two runs have in common that are built of the same nets."""
    solver = run.settings.message
    parts = [solver.type, str(solver.HasField("max_iter")), *map(str, run.settings.weights)]
    for source in run.sources:
        document, state = document_and_state(source)
        parts += [print_message(document.message), print_message(state)]
    return hashlib.sha256("\0".join(parts).encode()).digest()


def _build(run: Run, allow_python_layers: bool, weights: Sequence[str], ignore_mismatched: bool) -> Solver:
    settings = run.settings
    if not settings.message.HasField("max_iter"):
        help = "the number of iterations: max_iter: 10000"
        raise settings.error("the solver has no max_iter", help=help)
    message = SolverParameter()
    message.CopyFrom(settings.message)
    message.snapshot = 0  # the folder for them is made when the run starts
    train, *tests = run.sources
    document = replace(settings.document, message=message)
    solver = Solver(
        replace(settings, document=document, train=train, tests=tuple(tests)),
        device="cpu",
        weights=weights,
        ignore_mismatched=ignore_mismatched,
        allow_python_layers=allow_python_layers,
    )
    solver.close()
    return solver


def _peak(run: Run, how: Compute, allow_python_layers: bool) -> int:
    """The bytes that training takes at its worst moment; 0 where the net does not allow to know them."""
    graph = build_graph(*document_and_state(run.sources[0]), allow_python_layers=allow_python_layers)
    if find_obstacle(graph) or not graph.loss_weights:
        return 0
    return predict(graph, torch.device("cpu"), how, run.settings.message).peak


class _Findings:
    """Diagnostics, each once, with a note on the runs that have it."""

    def __init__(self, runs: int) -> None:
        self._runs = runs
        self._errors: list[NetspecError] = []
        self._found: dict[str, tuple[Diagnostic, list[str]]] = {}

    @contextmanager
    def collected(self, label: str) -> Iterator[None]:
        """Collects the errors that the block raises about a run."""
        try:
            yield
        except NetspecError as error:
            self._errors.append(error)
            for diagnostic in error.diagnostics:
                self._found.setdefault(render([diagnostic]), (diagnostic, []))[1].append(label)

    def end(self) -> None:
        """Raises what was collected, if anything was."""
        if self._found:
            raise _kind(self._errors)(
                replace(found, notes=(*found.notes, *self._where(labels)))
                for found, labels in self._found.values()
            )

    def _where(self, labels: Sequence[str]) -> list[Note]:
        if len(labels) == self._runs:
            return []
        if len(labels) == 1:
            return [Note(f"in the run {labels[0]}")]
        return [Note(f"in {len(labels)} of the {self._runs} runs; the first is {labels[0]}")]


@contextmanager
def _noted(errors: list[NetspecError]) -> Iterator[None]:
    try:
        yield
    except NetspecError as error:
        errors.append(error)


def _kind(errors: Iterable[NetspecError]) -> type[NetspecError]:
    """The class that all the errors are of."""
    kinds = {type(error) for error in errors}
    return kinds.pop() if len(kinds) == 1 else NetspecError
