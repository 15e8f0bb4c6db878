"""HDF5Data."""

from __future__ import annotations

from functools import cached_property

from netspec.data.hdf5_list import Hdf5Rows, RowFiles, read_hdf5_list
from netspec.data.stream import Stream
from netspec.layers.base import DataLayer, Shape
from netspec.layers.registry import layer
from netspec.layers.source_file import find_source

_PARAM = "hdf5_data_param"


@layer("HDF5Data", bottoms=0, tops=(1, None))
class HDF5Data(DataLayer):
    """Rows of HDF5 datasets, from the files that a text file lists, a name per line.

    Each top is the dataset of its name: (N, ...). The files may be larger than memory: a batch reads its own
    rows. Shuffling draws a new order of the files, and of the rows within each, for every pass.
    """

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        if self.spec.HasField("transform_param"):
            raise self.error("transforms nothing: take transform_param out", "transform_param")
        if not self.spec.hdf5_data_param.batch_size:
            raise self.error("batch_size is missing, or 0", _PARAM, "batch_size")
        return list(self.stream(0).shapes)

    def stream(self, seed: int) -> Stream:
        param = self.spec.hdf5_data_param
        return Hdf5Rows(
            self._files, batch_size=param.batch_size, seed=seed, shuffle=param.shuffle, share=self.share
        )

    @cached_property
    def _files(self) -> RowFiles:
        path = find_source(self, _PARAM, "a text file with the name of an HDF5 file per line")
        text = self.span(_PARAM, "source")
        names = {name: self.span("top", index) for index, name in enumerate(self.spec.top)}
        return read_hdf5_list(path, names, folder=text.source.folder if text else None)
