"""`netspec check`: all that is wrong with net and solver files, without running them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from netspec.cli import flags
from netspec.cli.kind import is_solver
from netspec.errors import NetspecError, ParseError
from netspec.text.diagnostic import Diagnostic, in_text_order, render

if TYPE_CHECKING:
    from netspec.compiler.net import Net
    from netspec.schema.document import Document
    from netspec.schema.messages import Message

M = TypeVar("M", bound="Message")

HELP = "report all errors of net and solver files"


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="a net's or a solver's prototxt")
    flags.add_allow_python_layers(parser)


def run(args: Namespace) -> int:
    return max([_check(file, args.allow_python_layers) for file in args.files])


def _check(file: str, allow_python_layers: bool) -> int:
    """Reports on one file; 1 where it has an error."""
    from netspec.text.parser import read_source

    findings = _Findings()
    what = ""
    with findings.collected():
        check = _solver if is_solver(read_source(file)) else _net
        what = check(file, findings, allow_python_layers)
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


def _net(file: str, findings: _Findings, allow_python_layers: bool) -> str:
    from netspec.compiler.net import compile_net
    from netspec.graph.build import fed_phases, load_net

    document = load_net(file)
    compile = partial(compile_net, document, allow_python_layers=allow_python_layers)
    sizes = [_size(partial(compile, phase=phase), findings) for phase in fed_phases(document)]
    return f"net '{document.message.name}', {', '.join(sizes)}"


def _solver(file: str, findings: _Findings, allow_python_layers: bool) -> str:
    import torch

    from netspec.schema.messages import SolverParameter
    from netspec.solver.settings import load_settings
    from netspec.solver.trainer import compile_source

    settings = load_settings(_read(file, SolverParameter, findings))
    compile_on_cpu = partial(
        compile_source, device=torch.device("cpu"), seed=0, allow_python_layers=allow_python_layers
    )
    sources = (settings.train, *settings.tests)
    sizes = [_size(partial(compile_on_cpu, source), findings) for source in sources]
    return f"solver of type {settings.type}, {', '.join(sizes)}"


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


def _size(compile: Callable[[], Net], findings: _Findings) -> str:
    """Compiles a net, and says how many layers it has; nothing where it cannot be compiled."""
    with findings.collected():
        net = compile()
        net.close()
        findings.add(net.graph.warnings)
        return f"{len(net.graph.nodes)} layers {'TRAIN' if net.graph.training else 'TEST'}"
    return ""
