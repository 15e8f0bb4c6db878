"""PriorBox."""

from __future__ import annotations

from math import isfinite, sqrt

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer

_PARAM = "prior_box_param"
_SAME_RATIO = 1e-6

Pair = tuple[float, float]


@layer("PriorBox", bottoms=2, tops=1, origin="other fork")
class PriorBox(Layer):
    """Boxes of fixed sizes around each pixel of a plane of features, for detections to start from.

    Of the planes (N, C, H, W) and of the image, the second bottom, the sizes alone count. Pixel (i, j) has
    its centre at ((j + offset) step_w, (i + offset) step_h) in the image, where a step not given is the ratio
    of the sizes. Around it lie, for each min_size, a square of that side, one of sqrt(min_size max_size), and
    a box of min_size sqrt(r) by min_size / sqrt(r) for each aspect ratio r but 1, with flip for 1/r as well.
    Sizes are cut to whole pixels, as in the fork. The top (1, 2, 4 H W P) holds the corners as shares of
    the image, and then the variances of each. Liu et al., "SSD: single shot multibox detector", 2016.
    """

    sizes: Tensor
    variances: Tensor

    def setup(self, x: Shape, image: Shape) -> None:
        if len(x) != 4 or len(image) != 4:
            raise self.shape_error("both bottoms must be NxCxHxW", "bottom", 0 if len(x) != 4 else 1)
        param = self.spec.prior_box_param
        self.image_size = self._pair("img_size", "img_h", "img_w")
        self.step = self._pair("step", "step_h", "step_w")
        self.clip, self.offset = param.clip, param.offset
        # Buffers, so that a forward copies nothing to the device.
        self.register_buffer("sizes", torch.tensor(self._sizes()), persistent=False)
        self.register_buffer("variances", torch.tensor(self._variances()), persistent=False)

    def _sizes(self) -> list[Pair]:
        """Width and height of each box of a pixel, in pixels of the image."""
        param, sizes = self.spec.prior_box_param, []
        for field in ("min_size", "max_size"):
            if not all(map(isfinite, getattr(param, field))):
                raise self.error(f"{field} must be a finite number", _PARAM, field)
        if not param.min_size or min(param.min_size) <= 0:
            raise self.error("min_size must be given and above 0", _PARAM, "min_size")
        if param.max_size and len(param.max_size) != len(param.min_size):
            message = f"max_size is given {len(param.max_size)} times, min_size {len(param.min_size)} times"
            raise self.error(message, _PARAM, "max_size", help="give one for each min_size, or none")
        ratios = self._ratios()
        for index, smallest in enumerate(map(int, param.min_size)):
            sizes.append((float(smallest), float(smallest)))
            if param.max_size:
                if param.max_size[index] <= param.min_size[index]:
                    raise self.error("max_size must be larger than min_size", _PARAM, "max_size")
                side = sqrt(smallest * int(param.max_size[index]))
                sizes.append((side, side))
            sizes += [(smallest * sqrt(ratio), smallest / sqrt(ratio)) for ratio in ratios]
        return sizes

    def _ratios(self) -> list[float]:
        param, ratios = self.spec.prior_box_param, [1.0]
        for ratio in param.aspect_ratio:
            if ratio <= 0:
                raise self.error("aspect_ratio must be above 0", _PARAM, "aspect_ratio")
            if all(abs(ratio - known) >= _SAME_RATIO for known in ratios):
                ratios += [ratio, 1 / ratio] if param.flip else [ratio]
        return ratios[1:]

    def _variances(self) -> list[float]:
        given = list(self.spec.prior_box_param.variance) or [0.1]
        if len(given) not in (1, 4) or min(given) <= 0:
            raise self.error("variance must be one number or four, all above 0", _PARAM, "variance")
        return given if len(given) == 4 else given * 4

    def _pair(self, both: str, height: str, width: str) -> Pair | None:
        """A setting along height and width: given for both in one, for each, or not at all."""
        param = self.spec.prior_box_param
        given = [name for name in (both, height, width) if param.HasField(name)]
        if not given:
            return None
        if given not in ([both], [height, width]):
            raise self.error(f"takes either {both}, or {height} and {width}", _PARAM, given[-1])
        for name in given:
            if getattr(param, name) <= 0:
                raise self.error(f"{name} must be above 0", _PARAM, name)
        return getattr(param, given[0]), getattr(param, given[-1])

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        (h, w), (image_h, image_w) = x.shape[2:], self.image_size or image.shape[2:]
        step_h, step_w = self.step or (image_h / h, image_w / w)
        rows, columns = (
            (torch.arange(count, device=x.device, dtype=torch.float32) + self.offset) * step / size
            for count, step, size in ((h, step_h, image_h), (w, step_w, image_w))
        )
        half_w, half_h = self.sizes[:, 0] / (2 * image_w), self.sizes[:, 1] / (2 * image_h)
        x_ends = torch.stack([columns[:, None] - half_w, columns[:, None] + half_w], -1)
        y_ends = torch.stack([rows[:, None] - half_h, rows[:, None] + half_h], -1)
        boxes = torch.stack(
            [x_ends.expand(h, *x_ends.shape), y_ends[:, None].expand(h, *x_ends.shape)], -1
        ).flatten(-2)
        if self.clip:
            boxes = boxes.clamp(0, 1)
        top = torch.stack([boxes, self.variances.expand_as(boxes)]).reshape(1, 2, -1)
        # Shares of the image in half precision would be off by up to a pixel.
        return top.to(torch.promote_types(x.dtype, torch.float32))
