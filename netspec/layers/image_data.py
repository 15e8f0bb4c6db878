"""ImageData."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from netspec.data.image_list import ImageList, Listing, read_listing
from netspec.data.stream import Stream
from netspec.data.transformer import Transformer
from netspec.layers.base import DataLayer, Shape
from netspec.layers.registry import layer

_PARAM = "image_data_param"


@layer("ImageData", bottoms=0, tops=2)
class ImageData(DataLayer):
    """Images and labels from a text file with a line `path label` for each.

    Tops: images (N, C, H, W), BGR, 0 to 255 before transform_param; labels (N). Without new_height and
    new_width the first image gives the shape, and the images of a batch must have one size. Of NVIDIA's fork:
    short_side, threads, and cache, which keeps the files' content in memory.
    """

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        param = self.spec.image_data_param
        for given, other in (("new_height", "new_width"), ("new_width", "new_height")):
            if getattr(param, given) and not getattr(param, other):
                raise self.error(f"{given} and {other} go together", _PARAM, given)
        if not param.batch_size:
            raise self.error("batch_size must be at least 1", _PARAM, "batch_size")
        if param.new_height and param.short_side:
            raise self.error("takes new_height and new_width, or short_side, not both", _PARAM, "short_side")
        if param.dataset_share_per_node != 1:
            message = "dataset_share_per_node is not supported: each process reads its share of all lines"
            raise self.error(message, _PARAM, "dataset_share_per_node")
        self._check_color()
        if not param.new_height:
            return list(self.stream(0).shapes)
        blank = np.zeros((param.new_height, param.new_width, 3 if param.is_color else 1), np.uint8)
        return [(param.batch_size, *self._transformer(0)(blank, 0).shape), (param.batch_size,)]

    @property
    def ahead(self) -> int:
        return max(super().ahead, self.workers or 1)

    @property
    def workers(self) -> int | None:
        param = self.spec.image_data_param
        return param.threads or None if param.HasField("threads") else None

    @property
    def varying(self) -> frozenset[int]:
        param = self.spec.image_data_param
        fixed = param.new_height or self._transformer(0).fixes_size
        return frozenset({0} if param.batch_size == 1 and not fixed else ())

    def stream(self, seed: int) -> Stream:
        param, text = self.spec.image_data_param, self.span(_PARAM, "source")
        return ImageList(
            self._listing,
            self._transformer(seed),
            batch_size=param.batch_size,
            seed=seed,
            shuffle=param.shuffle,
            rand_skip=param.rand_skip,
            color=param.is_color,
            size=(param.new_height, param.new_width),
            short_side=param.short_side,
            root_folder=param.root_folder,
            text_folder=text.source.folder if text else None,
            keep=param.cache,
            share=self.share,
        )

    def _check_color(self) -> None:
        transform, color = self.spec.transform_param, self.spec.image_data_param.is_color
        if transform.force_gray and color:
            raise self.error(
                "force_gray has no effect here: is_color: false", "transform_param", "force_gray"
            )
        if transform.force_color and not color:
            raise self.error("force_color contradicts is_color: false", "transform_param", "force_color")

    @cached_property
    def _listing(self) -> Listing:
        if not self.spec.image_data_param.source:
            raise self.error("source is missing: a text file with a line `path label` per image", _PARAM)
        return read_listing(self.find_file(self.spec.image_data_param.source, _PARAM, "source"))

    def _transformer(self, seed: int) -> Transformer:
        spans = self.spans.sub("transform_param")
        return Transformer(self.spec.transform_param, spans, training=self.training, seed=seed)
