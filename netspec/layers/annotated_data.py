"""AnnotatedData."""

from __future__ import annotations

from netspec.data.annotated_datum import AnnotatedBatches
from netspec.data.stream import Stream
from netspec.data.transformer import Transformer
from netspec.errors import NetError
from netspec.layers.base import Shape
from netspec.layers.data import Data
from netspec.layers.detection_files import read_label_map
from netspec.layers.registry import layer

_PARAM = "annotated_data_param"


@layer("AnnotatedData", bottoms=0, tops=(1, 2), origin="other fork")
class AnnotatedData(Data):
    """Images and the objects in them, from an LMDB or LevelDB of AnnotatedDatum records.

    Tops: images (N, C, H, W); objects (1, 1, M, 8) if there is a second top: the image's place in the batch,
    class, instance, xmin, ymin, xmax, ymax in shares of the sides, difficult; M changes from batch to batch,
    and a batch without objects has a row of -1. Records that name no type of annotation give labels (N)
    instead. In this order: distort_param, expand_param, a window of the batch_samplers, resize_param,
    noise_param, crop and mirror; boxes follow the image, and emit_constraint says which are left. Of the SSD
    fork, which in between stores the images as JPEG; this does not.
    """

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        for index in range(len(self.spec.annotated_data_param.batch_sampler)):
            self._check_sampler(index)
        return super().top_shapes(*shapes)

    @property
    def varying(self) -> frozenset[int]:
        return super().varying | {1} if self.num_tops == 2 else super().varying

    def stream(self, seed: int) -> Stream:
        param = self.spec.annotated_data_param
        return AnnotatedBatches(
            self.records(seed),
            self.transformer(seed),
            labels=self.num_tops == 2,
            typed=param.HasField("anno_type"),
            classes=self._classes(),
        )

    def transformer(self, seed: int) -> Transformer:
        return Transformer(
            self.spec.transform_param,
            self.spans.sub("transform_param"),
            training=self.training,
            seed=seed,
            samplers=list(self.spec.annotated_data_param.batch_sampler),
        )

    def _classes(self) -> frozenset[int] | None:
        """Those that the label map names."""
        file = self.spec.annotated_data_param.label_map_file
        return frozenset(read_label_map(self.find_file(file, _PARAM, "label_map_file"))) if file else None

    def _check_sampler(self, index: int) -> None:
        sampler = self.spec.annotated_data_param.batch_sampler[index].sampler
        if not 0 < sampler.min_scale <= sampler.max_scale <= 1:
            raise self._out_of_bounds(index, "0 < min_scale <= max_scale <= 1", "max_scale")
        if not 0 < sampler.min_aspect_ratio <= sampler.max_aspect_ratio:
            raise self._out_of_bounds(index, "0 < min_aspect_ratio <= max_aspect_ratio", "max_aspect_ratio")

    def _out_of_bounds(self, index: int, rule: str, field: str) -> NetError:
        return self.error(f"a sampler asks for {rule}", _PARAM, "batch_sampler", index, "sampler", field)
