"""The typed messages of a net and of a solver, and the binder that fills them from a syntax tree.

``messages`` holds every class of proto/netspec.proto, which is also their manual; the ones most often needed
are repeated here.
"""

from netspec.schema.messages import (
    TEST,
    TRAIN,
    BlobProto,
    BlobShape,
    FillerParameter,
    LayerParameter,
    Message,
    NetParameter,
    NetState,
    NetStateRule,
    ParamSpec,
    SolverParameter,
    SolverState,
)

__all__ = [
    "TEST",
    "TRAIN",
    "BlobProto",
    "BlobShape",
    "FillerParameter",
    "LayerParameter",
    "Message",
    "NetParameter",
    "NetState",
    "NetStateRule",
    "ParamSpec",
    "SolverParameter",
    "SolverState",
]
