"""MVN."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("MVN", bottoms=1, tops=1)
class MVN(Layer):
    """Normalises each channel of each item by itself: (x - mean) / (sqrt(variance) + eps).

    Mean and biased variance are taken over the axes behind axis 1; with across_channels over axis 1 too.
    Without normalize_variance only the mean is subtracted. The gradient is that of Caffe, in which eps is
    part of the standard deviation: it stays finite where the bottom is constant.
    """

    exact = True

    def setup(self, x: Shape) -> None:
        param = self.spec.mvn_param
        self.kept_axes = 1 if param.across_channels else 2
        self.normalize_variance, self.eps = param.normalize_variance, param.eps

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(*x.shape[: self.kept_axes], -1)
        deviation = rows - rows.mean(-1, keepdim=True)
        return (self._normalized(deviation) if self.normalize_variance else deviation).reshape(x.shape)

    def _normalized(self, deviation: Tensor) -> Tensor:
        variance = deviation.square().mean(-1, keepdim=True)
        constant = variance.detach()
        spread = constant.sqrt() + self.eps
        # The variance's own share is zero; it brings the gradient, as the root of spread squared would.
        return deviation / (spread + (variance - constant) / (2 * spread))
