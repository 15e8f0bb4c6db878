"""InnerProduct."""

from __future__ import annotations

from math import prod

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("InnerProduct", bottoms=1, tops=1)
class InnerProduct(Layer):
    """Fully connected: y = W x + b, with all axes from axis on as one vector of K elements.

    Blobs: weight (num_output, K), or (K, num_output) with transpose; bias (num_output).
    """

    weight: Tensor
    bias: Tensor | None

    def setup(self, x: Shape) -> None:
        param = self.spec.inner_product_param
        n = param.num_output
        if not n:
            raise self.error("num_output must be at least 1", "inner_product_param", "num_output")
        self.first, self.transposed = (
            self.axis(param.axis, len(x), "inner_product_param", "axis"),
            param.transpose,
        )
        k = prod(x[self.first :])
        self.add_blob((k, n) if self.transposed else (n, k), param.weight_filler)
        if param.bias_term:
            self.add_blob((n,), param.bias_filler)
        else:
            self.register_parameter("bias", None)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x.flatten(self.first), self.weight.t() if self.transposed else self.weight, self.bias)
