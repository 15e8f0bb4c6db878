"""ContrastiveLoss."""

from __future__ import annotations

from math import prod

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.losses import with_gradient_of
from netspec.layers.registry import layer

_EPSILON = 1e-4  # keeps Caffe's gradient finite where a pair coincides


@layer("ContrastiveLoss", bottoms=3, tops=1, loss=True, labels=(2,))
class ContrastiveLoss(Layer):
    """Half the mean of d^2 over pairs that are alike, of max(margin - d, 0)^2 over pairs that are not.

    d is the distance of the items of two bottoms (N, ...); the third, (N), is not 0 where they are alike.
    With legacy_version, pairs that are not cost max(margin - d^2, 0). In their gradient Caffe, and so do we,
    divides by d + 1e-4. Hadsell et al., "Dimensionality reduction by learning an invariant mapping", 2006.
    """

    def setup(self, a: Shape, b: Shape, alike: Shape) -> None:
        if not a or a[:1] != b[:1] or prod(a) != prod(b):
            raise self.shape_error("the first two bottoms must have the same batch and as many elements")
        if prod(alike) != a[0]:
            rule = f"one number per pair is needed: {a[0]}, not {prod(alike)}"
            raise self.shape_error(rule, "bottom", 2)
        param = self.spec.contrastive_loss_param
        self.margin, self.legacy = param.margin, param.legacy_version

    def forward(self, a: Tensor, b: Tensor, alike: Tensor) -> Tensor:
        squares = (a - b.reshape(a.shape)).square().reshape(a.shape[0], -1).sum(1)
        unlike = (self.margin - squares).relu() if self.legacy else self._unlike(squares)
        return squares.where(alike.long().flatten() != 0, unlike).sum() / (2 * a.shape[0])

    def _unlike(self, squares: Tensor) -> Tensor:
        distance = squares.detach().sqrt()
        lacking = (self.margin - distance).relu()
        return with_gradient_of(lacking.square(), -lacking / (distance + _EPSILON) * squares)
