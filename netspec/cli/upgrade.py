"""`netspec upgrade`: old nets, weights and solvers written anew as Caffe writes them today."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from netspec.cli.kind import is_binary, is_binary_solver, is_solver
from netspec.errors import SolverError, UsageError, WeightsError
from netspec.text.diagnostic import Diagnostic, render

if TYPE_CHECKING:
    from netspec.schema.document import Document
    from netspec.schema.messages import LayerParameter, Message, NetParameter, SolverParameter
    from netspec.weights.wire import Parts

M = TypeVar("M", bound="Message")

HELP = "write old nets, weights and solvers anew, in today's form"

_STDOUT = "-"
_FIRST_CONTESTED = 140  # from here on Caffe's forks have given numbers to fields of their own


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "input", metavar="IN", help="a net (prototxt, .caffemodel) or a solver; comments are lost on the way"
    )
    parser.add_argument(
        "output", metavar="OUT", nargs="?", default=_STDOUT, help="where to write it; '-' or nothing: stdout"
    )
    parser.add_argument("--kind", choices=("net", "solver"), help="what IN is, if its fields do not tell")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--text", action="store_true", help="write text, whatever IN is")
    form.add_argument("--binary", action="store_true", help="write the binary form, whatever IN is")


@dataclass(frozen=True)
class _Result:
    """A file brought up to date, as text or in binary form, and what of it was old."""

    content: str | Parts
    old: list[str]
    warnings: Iterable[Diagnostic]


def run(args: Namespace) -> int:
    from netspec.weights.files import write_atomically

    result = _upgraded(Path(args.input), args)
    if report := render(result.warnings):
        print(report, file=sys.stderr)
    what = f"upgraded: {', '.join(result.old)}" if result.old else "already in today's form"
    if args.output == _STDOUT:
        if not isinstance(result.content, str) and sys.stdout.isatty():
            raise UsageError.at("the result is binary: name a file for it", help="or read it, with -text")
        _print(result.content)
        print(f"{args.input}: {what}", file=sys.stderr)
    else:
        content = result.content
        write_atomically(Path(args.output), [content.encode()] if isinstance(content, str) else content)
        print(f"{args.output}: {what}")
    return 0


def _print(content: str | Parts) -> None:
    if isinstance(content, str):
        sys.stdout.write(content)
    else:
        sys.stdout.buffer.writelines(content)


def _upgraded(path: Path, args: Namespace) -> _Result:
    from netspec.weights.kinds import format_of

    if not is_binary(path):
        return _from_text(path, args)
    if (form := format_of(path)) != "binary":
        help = "`netspec convert` makes a .caffemodel of today out of weights"
        message = f"expected a text or Caffe's binary form, not {form}"
        raise WeightsError.at(message, file=str(path), help=help)
    as_solver = args.kind == "solver" if args.kind else is_binary_solver(path)
    return (_from_binary_solver if as_solver else _from_binary_net)(path, args)


def _from_text(path: Path, args: Namespace) -> _Result:
    """Reads and upgrades a text. One that is not old stays as it is, with its comments.

    Raises:
        NetspecError: the text is wrong, or something old in it has no place in today's form.
    """
    from netspec.schema.document import load_document
    from netspec.schema.messages import NetParameter, SolverParameter
    from netspec.text.parser import read_source
    from netspec.text.printer import print_message

    source = read_source(path)
    as_solver = args.kind == "solver" if args.kind else is_solver(source)
    document, old = (
        _solver(load_document(source, SolverParameter))
        if as_solver
        else _net(load_document(source, NetParameter))
    )
    if args.binary:
        return _Result([document.message.SerializeToString()], old, document.warnings)
    return _Result(print_message(document.message) if old else source.text, old, document.warnings)


def _net(document: Document[NetParameter]) -> tuple[Document[NetParameter], list[str]]:
    from netspec.passes.upgrade import upgraded

    return upgraded(document)


def _solver(document: Document[SolverParameter]) -> tuple[Document[SolverParameter], list[str]]:
    from netspec.passes.solver_type import name_solver_type, two_types

    if contradiction := two_types(document):
        raise SolverError(contradiction)
    new = name_solver_type(document)
    return new, ["solver_type"] if new is not document else []


def _from_binary_net(path: Path, args: Namespace) -> _Result:
    """Reads and upgrades a binary file. One that is not old stays as it is, byte for byte.

    Raises:
        NetspecError: the file is damaged, holds something else, or what has no place in today's form.
    """
    from netspec.schema.messages import NetParameter
    from netspec.text.printer import print_message
    from netspec.weights.skeleton import read_skeleton
    from netspec.weights.wire import open_message

    skeleton = read_skeleton(path)
    stripped = _strip_inputs(skeleton.net)
    document, old = _net(_printed(skeleton.net, path))
    old = [*stripped, *old]
    parts: Parts = skeleton.filled(document.message) if old else [open_message(path).data]
    if not args.text:
        return _Result(parts, old, skeleton.lost)
    net = _parsed(NetParameter, "net", path, b"".join(parts))
    return _Result(print_message(net), old, [*skeleton.lost, *_contested(net, path)])


def _from_binary_solver(path: Path, args: Namespace) -> _Result:
    from netspec.schema.messages import SolverParameter
    from netspec.text.printer import print_message
    from netspec.weights.wire import open_message

    solver = _parsed(SolverParameter, "solver", path, bytes(open_message(path).data))
    document, old = _solver(_printed(solver, path))
    new = document.message
    return _Result(print_message(new) if args.text else [new.SerializeToString()], old, ())


def _parsed(kind: type[M], name: str, path: Path, data: bytes) -> M:
    """The message, a ``name``, in binary data that came out of a file.

    Raises:
        WeightsError: it is damaged.
    """
    from google.protobuf.message import DecodeError

    from netspec.weights.wire import open_message

    try:
        return kind.FromString(data)
    except (DecodeError, UnicodeDecodeError) as error:
        raise open_message(path).error(f"expected a {name}: {error}") from error


def _strip_inputs(net: NetParameter) -> list[str]:
    """Takes the inputs' names out of a file of weights that knows no shapes of them, as Caffe does."""
    if not net.input or net.input_shape or net.input_dim:
        return []
    net.ClearField("input")
    return ["input fields"]


def _printed(message: M, path: Path) -> Document[M]:
    """A document for a message from a binary file; its places are those in the message's text."""
    from netspec.schema.document import Document

    printed = Document.from_message(message, f"{path} as text")
    return Document(message, printed.spans, printed.source)


def _contested(net: NetParameter, path: Path) -> list[Diagnostic]:
    """Warns of what a net's text may not say as its file meant it."""
    layers = ", ".join(f"'{layer.name}'" for layer in net.layer if _is_contested(layer))
    if not layers:
        return []
    message = "some of these layers' fields have numbers that Caffe's forks use differently, or are unknown"
    help = f"they are read as Caffe numbers them, unknown ones are left out: {layers}"
    return [Diagnostic(message, severity="warning", help=help, file=str(path))]


def _is_contested(layer: LayerParameter) -> bool:
    from google.protobuf.unknown_fields import UnknownFieldSet

    known = any(field.number >= _FIRST_CONTESTED for field, _ in layer.ListFields())
    return known or len(UnknownFieldSet(layer)) > 0
