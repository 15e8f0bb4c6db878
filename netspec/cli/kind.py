"""What a file holds: a net or a solver, as text or in binary form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.errors import WeightsError

if TYPE_CHECKING:
    from netspec.text.source import Source


def is_binary(path: Path) -> bool:
    """Whether a file begins with codes that no text has. One that cannot be read passes for text, whose
    reader says why."""
    try:
        with path.open("rb") as file:
            return any(byte < 32 and byte not in b"\t\n\r\f" for byte in file.read(512))
    except OSError:
        return False


def is_solver(source: Source) -> bool:
    """Whether more of the text's top-level fields belong to a solver than to a net."""
    from netspec.schema.messages import NetParameter, SolverParameter

    names = set(_top_level_names(source))
    net, solver = (set(message.DESCRIPTOR.fields_by_name) for message in (NetParameter, SolverParameter))
    return len(names & (solver - net)) > len(names & (net - solver))


def _top_level_names(source: Source) -> Iterator[str]:
    from netspec.text.parser import parse

    tree, _ = parse(source)
    return (field.name.text for field in tree.fields)


def is_binary_solver(path: Path) -> bool:
    """Whether a binary file is a solver: in its field 5 stands the base_lr, in a net's a flag. A file of
    neither kind passes for a net, whose reader says what it is."""
    from netspec.schema.messages import SolverParameter
    from netspec.weights.wire import FIXED32, open_message

    base_lr = SolverParameter.DESCRIPTOR.fields_by_name["base_lr"].number
    try:
        return any(field.number == base_lr and field.kind == FIXED32 for field in open_message(path).fields())
    except WeightsError:
        return False
