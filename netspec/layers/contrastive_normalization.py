"""ContrastiveNormalization."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer
from netspec.schema.messages import ContrastiveNormalizationParameter

_PARAM = "contrastive_normalization_param"


@layer("ContrastiveNormalization", bottoms=1, tops=1, origin="own")
class ContrastiveNormalization(Layer):
    """Local contrast: v = x - mean of the neighbourhood, y = v / max(deviation of v there, threshold).

    Neighbourhoods are kernel_size x kernel_size places around an element, over all channels, weighted evenly
    (BOX) or by GAUSSIAN, exp(-d^2 / 2) with d in units of sigma * kernel_size pixels. With E the weighted
    sum, zeros outside the image, and c = E(1), the mean is E(x) / c and the deviation sqrt(E(v^2)) / c, as in
    Torch's SpatialContrastiveNormalization. Jarrett et al., "What is the best multi-stage architecture for
    object recognition?", 2009.
    """

    exact = True

    taps: Tensor
    inside: Tensor

    def setup(self, x: Shape) -> None:
        param = self.spec.contrastive_normalization_param
        if len(x) != 4:
            raise self.shape_error("the bottom must be NxCxHxW", "bottom", 0)
        if param.kernel_size % 2 == 0:
            message = f"kernel_size must be odd, not {param.kernel_size}"
            raise self.error(message, _PARAM, "kernel_size", help="a neighbourhood has a middle")
        for field in ("threshold", "sigma"):
            if not getattr(param, field) > 0:
                raise self.error(f"{field} must be more than 0", _PARAM, field)
        self.threshold = param.threshold
        self.register_buffer("taps", self._taps(), persistent=False)
        self.register_buffer("inside", self._sum(torch.ones(1, 1, *x[2:])), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        inside = self.inside.to(x.dtype)
        centred = x - self._sum(x.mean(1, keepdim=True)) / inside
        variance = self._sum(centred.square().mean(1, keepdim=True))
        # The bound goes below the root, which has no slope at zero.
        return centred * (inside / variance.clamp_min((self.threshold * inside).square()).sqrt())

    def _taps(self) -> Tensor:
        """The weights along one axis; they add up to 1."""
        param = self.spec.contrastive_normalization_param
        if param.kernel == ContrastiveNormalizationParameter.BOX:
            weights = torch.ones(param.kernel_size)
        else:
            middle = torch.arange(param.kernel_size) - (param.kernel_size - 1) / 2
            weights = torch.exp(-(middle / (param.sigma * param.kernel_size)).square() / 2)
        return weights / weights.sum()

    def _sum(self, plane: Tensor) -> Tensor:
        """The weighted sum of each neighbourhood in a plane (N, 1, H, W), one axis after the other."""
        taps, pad = self.taps.to(plane), len(self.taps) // 2
        columns = F.conv2d(plane, taps[None, None, None], padding=(0, pad))
        return F.conv2d(columns, taps[None, None, :, None], padding=(pad, 0))
