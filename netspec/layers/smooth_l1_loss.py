"""SmoothL1Loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.losses import with_gradient_of
from netspec.layers.registry import layer


@layer("SmoothL1Loss", bottoms=(2, 4), tops=1, origin="other fork", loss=True, labels=(2, 3))
class SmoothL1Loss(Layer):
    """A squared error near zero and an absolute one beyond: sum(w_out f(w_in (a - b))) / N.

    f(d) = (sigma d)^2 / 2 where |d| < 1 / sigma^2, else |d| - 1 / (2 sigma^2). Bottoms: a, b, and optionally
    the weights w_in and w_out, all of one shape but for ones at its end. Given without w_out, as Fast R-CNN
    and SSD have it, w_in chooses what counts: the gradient is not multiplied by it again. Girshick, "Fast
    R-CNN", 2015.
    """

    def setup(self, *shapes: Shape) -> None:
        for index, shape in enumerate(shapes):
            if not shape or _without_ones(shape) != _without_ones(shapes[0]):
                raise self.shape_error("all bottoms must have the same shape", "bottom", index)
        sigma = self.spec.smooth_l1_loss_param.sigma
        if not sigma > 0:
            raise self.error(f"sigma must be above 0, not {sigma:g}", "smooth_l1_loss_param", "sigma")
        self.turn = 1 / sigma**2

    def forward(self, a: Tensor, *others: Tensor) -> Tensor:
        b, *weights = (other.reshape(a.shape) for other in others)
        difference = a - b
        if weights:
            weighted = weights[0].detach() * difference
            difference = weighted if len(weights) == 2 else with_gradient_of(weighted, difference)
        losses = F.smooth_l1_loss(difference, torch.zeros_like(difference), reduction="none", beta=self.turn)
        if len(weights) == 2:
            losses = losses * weights[1].detach()
        return losses.sum() / a.shape[0]


def _without_ones(shape: Shape) -> Shape:
    """A shape without ones at its end, behind the batch: Caffe's old blobs have four axes always."""
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape
