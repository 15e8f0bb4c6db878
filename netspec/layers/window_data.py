"""WindowData."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from netspec.data.images import ImageFiles
from netspec.data.stream import Stream
from netspec.data.transform_fields import require_plain
from netspec.data.transformer import Floats, read_mean
from netspec.data.windows import WindowBatches, WindowList, read_windows
from netspec.layers.base import DataLayer, Shape
from netspec.layers.registry import layer
from netspec.layers.source_file import find_source

_PARAM, _TRANSFORM = "window_data_param", "transform_param"


@layer("WindowData", bottoms=0, tops=2)
class WindowData(DataLayer):
    """Windows of images, drawn at random, foreground and background in a fixed ratio; and their classes.

    Tops: windows (N, 3, crop_size, crop_size), BGR, stretched, with context_pad pixels of their surroundings,
    0 where these lie outside of the image; classes (N), 0 for background. Background comes first.
    """

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        param, crop = self.spec.window_data_param, self.spec.transform_param.crop_size
        if not param.batch_size:
            raise self.error("batch_size is missing, or 0", _PARAM, "batch_size")
        if not crop:
            raise self.error("crop_size is missing: the side of the square", _TRANSFORM, "crop_size")
        if 2 * param.context_pad >= crop:
            message = f"context_pad {param.context_pad} on both sides leaves nothing of crop_size {crop}"
            raise self.error(message, _PARAM, "context_pad")
        if param.crop_mode not in ("warp", "square"):
            raise self.error('crop_mode must be "warp" or "square"', _PARAM, "crop_mode")
        if not 0 <= param.fg_fraction <= 1:
            raise self.error("fg_fraction must lie between 0 and 1", _PARAM, "fg_fraction")
        require_plain(self.spec.transform_param, self.spans.sub(_TRANSFORM), "WindowData")
        return list(self.stream(0).shapes)

    def stream(self, seed: int) -> Stream:
        param, transform = self.spec.window_data_param, self.spec.transform_param
        span = self.span(_PARAM, "source")
        folders = (self._windows.path.parent, span.source.folder if span else None)
        return WindowBatches(
            self._windows,
            ImageFiles(folders, root=param.root_folder, keep=param.cache_images),
            batch_size=param.batch_size,
            crop_size=transform.crop_size,
            seed=seed,
            fg_threshold=param.fg_threshold,
            bg_threshold=param.bg_threshold,
            fg_fraction=param.fg_fraction,
            context_pad=param.context_pad,
            square=param.crop_mode == "square",
            mirror=transform.mirror and self.training,
            mean=self._mean,
            scale=param.scale * transform.scale,
            share=self.share,
            span=span,
        )

    @cached_property
    def _windows(self) -> WindowList:
        return read_windows(find_source(self, _PARAM, "a text file with images and their windows"))

    @cached_property
    def _mean(self) -> Floats | None:
        transform = self.spec.transform_param
        values, channels = list(transform.mean_value), 3
        if transform.mean_file and values:
            raise self.error("takes mean_file or mean_value, not both", _TRANSFORM, "mean_file")
        if transform.mean_file:
            return read_mean(transform.mean_file, self.spans.at(_TRANSFORM, "mean_file"))
        if len(values) not in (0, 1, channels):
            message = f"expected one mean_value, or one for each of {channels} channels, found {len(values)}"
            raise self.error(message, _TRANSFORM, "mean_value")
        return np.resize(np.asarray(values, np.float32), (channels, 1, 1)) if values else None
