"""`netspec check`: all that is wrong with net and solver files, and advice, without running them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from netspec.cli import flags
from netspec.cli.kind import is_solver
from netspec.errors import NetspecError, ParseError, UsageError
from netspec.text.diagnostic import Diagnostic, in_text_order, render
from netspec.text.suggest import nearest

if TYPE_CHECKING:
    from netspec.advice.subject import Subject
    from netspec.compiler.net import Net
    from netspec.schema.document import Document
    from netspec.schema.messages import Message

M = TypeVar("M", bound="Message")

HELP = "report all errors of net and solver files, and what makes such nets fail"

_ALL = "all"


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="a net's or a solver's prototxt")
    parser.add_argument(
        "--no-advice", default="", metavar="A,B", help="the names of advice that is not wanted, or 'all'"
    )
    flags.add_allow_python_layers(parser)


def run(args: Namespace) -> int:
    ignored = _ignored(args.no_advice)
    return max([_check(file, args.allow_python_layers, ignored) for file in args.files])


def _ignored(given: str) -> list[str]:
    """The names of advice that -no_advice holds back.

    Raises:
        UsageError: there is no advice of such a name.
    """
    from netspec.advice.advise import ADVICE

    names = flags.split(given)
    for name in names:
        if name not in ADVICE and name != _ALL:
            near = nearest(name, ADVICE)
            hint = f"did you mean '{near}'? " if near else ""
            help = f"{hint}the names are {', '.join(ADVICE)}, or {_ALL}"
            raise UsageError.at(f"-no_advice: there is no advice '{name}'", help=help)
    return [*ADVICE] if _ALL in names else names


def _check(file: str, allow_python_layers: bool, ignored: Collection[str]) -> int:
    """Reports on one file; 1 where it has an error."""
    from netspec.advice.advise import advise
    from netspec.text.parser import read_source

    findings = _Findings()
    what = ""
    with findings.collected():
        read = _solver if is_solver(read_source(file)) else _net
        what, subject = read(file, findings, allow_python_layers)
        if subject is not None:
            findings.add(advise(subject, ignored))
    if report := render(findings.in_order()):
        print(report, file=sys.stderr)
    errors = sum(finding.severity == "error" for finding in findings.in_order())
    print(f"{file}: {errors} error{'s' * (errors > 1)}" if errors else f"{file}: ok ({what})")
    return int(errors > 0)


class _Findings:
    """Diagnostics, each once however many phases or nets it turns up in."""

    def __init__(self) -> None:
        self._by_text: dict[str, Diagnostic] = {}

    def add(self, diagnostics: Iterable[Diagnostic]) -> None:
        for diagnostic in diagnostics:
            self._by_text.setdefault(render([diagnostic]), diagnostic)

    def in_order(self) -> list[Diagnostic]:
        return in_text_order(self._by_text.values())

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Collects the errors that the block raises."""
        try:
            yield
        except NetspecError as error:
            self.add(error.diagnostics)


def _net(file: str, findings: _Findings, allow_python_layers: bool) -> tuple[str, Subject | None]:
    """What the file holds, in words, and what advice can be given on, if there is no error in it."""
    from netspec.advice.subject import Subject
    from netspec.compiler.net import compile_net
    from netspec.graph.build import fed_phases, load_net

    document = load_net(file)
    compile = partial(compile_net, document, seed=0, allow_python_layers=allow_python_layers)
    nets = _compiled([partial(compile, phase=phase) for phase in fed_phases(document)], findings)
    if nets is None:
        return "", None
    train = next((net for net in nets if net.graph.training), None)
    subject = Subject(train, tuple(net for net in nets if not net.graph.training))
    return f"net '{document.message.name}', {_sizes(nets)}", subject


def _solver(file: str, findings: _Findings, allow_python_layers: bool) -> tuple[str, Subject | None]:
    """As `_net`, for a solver."""
    import torch

    from netspec.advice.subject import Subject
    from netspec.schema.messages import SolverParameter
    from netspec.solver.settings import load_settings
    from netspec.solver.trainer import compile_source

    settings = load_settings(_read(file, SolverParameter, findings))
    compile_on_cpu = partial(
        compile_source, device=torch.device("cpu"), seed=0, allow_python_layers=allow_python_layers
    )
    sources = (settings.train, *settings.tests)
    nets = _compiled([partial(compile_on_cpu, source) for source in sources], findings)
    if nets is None:
        return "", None
    subject = Subject(nets[0], tuple(nets[1:]), settings)
    return f"solver of type {settings.type}, {_sizes(nets)}", subject


def _read(file: str, message_class: type[M], findings: _Findings) -> Document[M]:
    """Reads a text and collects what is to be said about it.

    Raises:
        ParseError: the text is wrong.
    """
    from netspec.schema.document import read_document

    document, diagnostics = read_document(file, message_class)
    findings.add(diagnostics)
    if document is None or any(diagnostic.severity == "error" for diagnostic in diagnostics):
        raise ParseError(diagnostics)
    return document


def _compiled(compilations: Sequence[Callable[[], Net]], findings: _Findings) -> list[Net] | None:
    """The nets, and what is to be said about all of them; None where one cannot be compiled."""
    nets: list[Net] = []
    for compile in compilations:
        with findings.collected():
            nets.append(compile())
            findings.add(nets[-1].graph.warnings)
    return nets if len(nets) == len(compilations) else None


def _sizes(nets: Iterable[Net]) -> str:
    """How many layers the nets have."""
    graphs = (net.graph for net in nets)
    return ", ".join(f"{len(graph.nodes)} layers {'TRAIN' if graph.training else 'TEST'}" for graph in graphs)
