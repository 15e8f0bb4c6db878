"""Files that hold parameters: ``.caffemodel`` and ``.solverstate``, read through the wire format itself."""

from netspec.weights.caffemodel import LayerBlobs, LoadReport, load_into, read_caffemodel, write_caffemodel
from netspec.weights.solverstate import State, read_solverstate, write_solverstate

__all__ = [
    "LayerBlobs",
    "LoadReport",
    "State",
    "load_into",
    "read_caffemodel",
    "read_solverstate",
    "write_caffemodel",
    "write_solverstate",
]
