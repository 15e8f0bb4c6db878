"""Turns the old ``solver_type`` of a solver, a word in capitals, into ``type``."""

from __future__ import annotations

from netspec.schema.document import Document
from netspec.schema.messages import SolverParameter
from netspec.text.diagnostic import Diagnostic

TYPES = {
    SolverParameter.SGD: "SGD",
    SolverParameter.NESTEROV: "Nesterov",
    SolverParameter.ADAGRAD: "AdaGrad",
    SolverParameter.RMSPROP: "RMSProp",
    SolverParameter.ADADELTA: "AdaDelta",
    SolverParameter.ADAM: "Adam",
}


def name_solver_type(document: Document[SolverParameter]) -> Document[SolverParameter]:
    """The solver with ``type`` for its ``solver_type``; one that has both is left to `two_types`."""
    old = document.message
    if not old.HasField("solver_type") or old.HasField("type"):
        return document
    solver = SolverParameter()
    solver.CopyFrom(old)
    solver.type = TYPES.get(old.solver_type, SolverParameter.SolverType.Name(old.solver_type))
    solver.ClearField("solver_type")
    entries = dict(document.spans.entries)
    entries["type"] = entries.pop("solver_type", [])
    return Document(solver, document.spans.placed(entries), document.source, document.warnings)


def two_types(document: Document[SolverParameter]) -> list[Diagnostic]:
    """The finding where a solver has both ``type`` and ``solver_type``."""
    if not (document.message.HasField("type") and document.message.HasField("solver_type")):
        return []
    place = document.spans.at("solver_type")
    return [Diagnostic("both type and the old solver_type are given", place, help="keep type")]
