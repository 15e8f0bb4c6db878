"""ELU."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("ELU", bottoms=1, tops=1)
class ELU(Layer):
    """Exponential linear unit: y = lambda * x above 0, lambda * alpha * (exp(x) - 1) elsewhere.

    Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2016. SELU, with
    the alpha and lambda of Klambauer et al., "Self-normalizing neural networks", 2017.
    """

    def setup(self, x: Shape) -> None:
        param = self.spec.elu_param
        self.alpha, self.factor = param.alpha, getattr(param, "lambda")  # a keyword of Python's

    def forward(self, x: Tensor) -> Tensor:
        y = F.elu(x, self.alpha)
        return y if self.factor == 1 else y * self.factor
