"""LocLoss."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("LocLoss", bottoms=1, tops=1, origin="STN fork", loss=True)
class LocLoss(Layer):
    """Penalises elements that are far from zero: the mean of max(|x| - threshold, 0)^2 / 2."""

    def setup(self, x: Shape) -> None:
        self.threshold = self.spec.loc_loss_param.threshold
        if not self.threshold > 0:
            raise self.error("threshold must be given and above 0", "loc_loss_param", "threshold")

    def forward(self, x: Tensor) -> Tensor:
        return (x.abs() - self.threshold).relu().square().mean() / 2
