"""ImageData."""

from __future__ import annotations

from functools import cached_property

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
    new_width the first image gives the shape, and the images of a batch must have one size.
    """

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        param = self.spec.image_data_param
        for given, other in (("new_height", "new_width"), ("new_width", "new_height")):
            if getattr(param, given) and not getattr(param, other):
                raise self.error(f"{given} and {other} go together", _PARAM, given)
        if not param.batch_size:
            raise self.error("batch_size must be at least 1", _PARAM, "batch_size")
        if not param.new_height:
            return list(self.stream(0).shapes)
        channels = 3 if param.is_color else 1
        image = self._transformer(0).output_shape((param.new_height, param.new_width, channels))
        return [(param.batch_size, *image), (param.batch_size,)]

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
            root_folder=param.root_folder,
            text_folder=text.source.folder if text else None,
        )

    @cached_property
    def _listing(self) -> Listing:
        if not self.spec.image_data_param.source:
            raise self.error("source is missing: a text file with a line `path label` per image", _PARAM)
        return read_listing(self.find_file(self.spec.image_data_param.source, _PARAM, "source"))

    def _transformer(self, seed: int) -> Transformer:
        spans = self.spans.sub("transform_param")
        return Transformer(self.spec.transform_param, spans, training=self.training, seed=seed)
