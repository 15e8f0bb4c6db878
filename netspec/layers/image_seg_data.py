"""ImageSegData."""

from __future__ import annotations

from functools import cached_property

from netspec.data.image_pairs import ImagePairs, Labels, PairList, PairTransformer, read_pairs
from netspec.data.images import ImageFiles
from netspec.data.stream import Stream
from netspec.data.transform_fields import require_plain
from netspec.layers.base import DataLayer, Shape
from netspec.layers.registry import layer
from netspec.layers.source_file import find_source
from netspec.schema.messages import ImageDataParameter

_PARAM, _TRANSFORM = "image_data_param", "transform_param"
_OWN = ("scale_factors", "crop_width", "crop_height")
_TYPES: dict[int, Labels] = {
    ImageDataParameter.NONE: "NONE",
    ImageDataParameter.IMAGE: "IMAGE",
    ImageDataParameter.PIXEL: "PIXEL",
}


@layer("ImageSegData", bottoms=0, tops=(1, 3), origin="other fork")
class ImageSegData(DataLayer):
    """Images with a label for each pixel, from a text file with a line `image label` for each.

    Tops: images (N, C, H, W), BGR; labels (N, 1, H, W); height and width of each image (N, 1, 1, 2), no more
    than the crop's. label_type PIXEL: the list names a label image; IMAGE: one label for all pixels; NONE:
    ignore_label. What is smaller than the crop is padded, its labels with ignore_label. Of the PSPNet fork.
    """

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        param, transform = self.spec.image_data_param, self.spec.transform_param
        self._require_both(_PARAM, "new_height", "new_width")
        self._require_both(_TRANSFORM, "crop_height", "crop_width")
        if not param.batch_size:
            raise self.error("batch_size must be at least 1", _PARAM, "batch_size")
        if transform.crop_size and transform.crop_height:
            message = "takes crop_size, or crop_height and crop_width, not both"
            raise self.error(message, _TRANSFORM, "crop_size")
        if transform.mean_file:
            raise self.error("takes mean_value, not mean_file", _TRANSFORM, "mean_file")
        channels, values = 3 if param.is_color else 1, len(transform.mean_value)
        if values not in (0, 1, channels):
            message = f"expected one mean_value, or one for each of {channels} channels, found {values}"
            raise self.error(message, _TRANSFORM, "mean_value")
        require_plain(transform, self.spans.sub(_TRANSFORM), "ImageSegData", _OWN)
        return list(self.stream(0).shapes)

    def stream(self, seed: int) -> Stream:
        param, text = self.spec.image_data_param, self.span(_PARAM, "source")
        folders = (self._pairs.lines.source.folder, text.source.folder if text else None)
        return ImagePairs(
            self._pairs,
            ImageFiles(folders, root=param.root_folder),
            self._transformer(seed),
            _TYPES[param.label_type],
            batch_size=param.batch_size,
            seed=seed,
            shuffle=param.shuffle,
            rand_skip=param.rand_skip,
            color=param.is_color,
            size=(param.new_height, param.new_width),
            ignore=param.ignore_label,
            parts=self.num_tops,
            share=self.share,
        )

    def _require_both(self, param: str, *pair: str) -> None:
        message = getattr(self.spec, param)
        for given, other in (pair, pair[::-1]):
            if getattr(message, given) and not getattr(message, other):
                raise self.error(f"{given} and {other} go together", param, given)

    @cached_property
    def _pairs(self) -> PairList:
        kind = _TYPES[self.spec.image_data_param.label_type]
        return read_pairs(find_source(self, _PARAM, "a text file with a line per image"), kind)

    def _transformer(self, seed: int) -> PairTransformer:
        param = self.spec.transform_param
        return PairTransformer(
            training=self.training,
            seed=seed,
            crop=(param.crop_height or param.crop_size, param.crop_width or param.crop_size),
            mean=list(param.mean_value),
            scale=param.scale,
            mirror=param.mirror,
            factors=list(param.scale_factors),
            ignore=self.spec.image_data_param.ignore_label,
        )
