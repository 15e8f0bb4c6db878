"""What holds blobs: Caffe's weights and solver states, binary and in HDF5, ``.safetensors``, ``.npz``."""

from netspec.weights.formats import read_weights, write_weights
from netspec.weights.layers import LayerBlobs
from netspec.weights.loading import LoadReport, Unmatched, load_into, save_from
from netspec.weights.solverstate import read_solverstate, write_solverstate
from netspec.weights.state import State

__all__ = [
    "LayerBlobs",
    "LoadReport",
    "State",
    "Unmatched",
    "load_into",
    "read_solverstate",
    "read_weights",
    "save_from",
    "write_solverstate",
    "write_weights",
]
