"""HDF5Output."""

from __future__ import annotations

import torch
from torch import Tensor

from netspec.errors import DataError
from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer

_PARAM = "hdf5_output_param"
_NAMES = ("data", "label")


@layer("HDF5Output", bottoms=2, tops=0)
class HDF5Output(Layer):
    """Writes its bottoms into an HDF5 file, as the datasets "data" and "label".

    Bottoms: (N, ...) both, of one N. The datasets have at least four axes, as Caffe's blobs had: (N) is
    written as (N, 1, 1, 1). The first forward makes the file anew, each further one appends its rows.
    """

    rows: Tensor
    _is_impure = True  # for torch.fx, which would drop a module whose result nobody uses

    def setup(self, data: Shape, label: Shape) -> None:
        if not self.spec.hdf5_output_param.file_name:
            raise self.error("file_name is missing: the file to write", _PARAM)
        if not data or not label or data[0] != label[0]:
            raise self.shape_error("both bottoms must have the same batch")
        # How many rows the file has. Because a tensor changes, compilers know that there is something to do.
        self.register_buffer("rows", torch.zeros((), dtype=torch.int64), persistent=False)

    def forward(self, data: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        _append(data.detach(), label.detach(), self.rows, self.spec.hdf5_output_param.file_name)
        return ()


@torch.library.custom_op(
    "netspec::append_hdf5",
    mutates_args=("rows",),
    schema="(Tensor data, Tensor label, Tensor(a!) rows, str path) -> ()",
)
def _append(data: Tensor, label: Tensor, rows: Tensor, path: str) -> None:
    """Writes both behind the first ``rows`` rows of a file, which it makes where there are none, and counts.

    Raises:
        DataError: the file cannot be written.
    """
    import h5py

    first = int(rows)
    try:
        with h5py.File(path, "a" if first else "w") as file:
            for name, tensor in zip(_NAMES, (data, label), strict=True):
                values = tensor.to("cpu", torch.float64 if tensor.dtype == torch.float64 else torch.float32)
                values = values.reshape(*values.shape, *(1,) * (4 - values.ndim))
                if not first:
                    file.create_dataset(name, data=values.numpy(), maxshape=(None, *values.shape[1:]))
                    continue
                file[name].resize(first + len(values), axis=0)
                file[name][first:] = values.numpy()
    except (OSError, KeyError, TypeError) as error:
        raise DataError.at(f"cannot write HDF5: {error}", file=path) from error
    rows += len(data)


@_append.register_fake
def _(data: Tensor, label: Tensor, rows: Tensor, path: str) -> None:
    """On tensors without content, as in a dry run: nothing is written."""
