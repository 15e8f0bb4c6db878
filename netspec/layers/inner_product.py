"""InnerProduct."""

from __future__ import annotations

from math import prod

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Shape
from netspec.layers.linear import Linear
from netspec.layers.registry import layer


@layer("InnerProduct", bottoms=1, tops=1)
class InnerProduct(Linear):
    """Fully connected: y = W x + b, with all axes from axis on as one vector of K elements.

    Blobs: weight (num_output, K), or (K, num_output) with transpose; bias (num_output).
    """

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

    @property
    def maps_channels(self) -> bool:
        return self.first == 1

    def forward(self, x: Tensor) -> Tensor:
        return self.transform(x, self.weight, self.bias)

    def transform(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.linear(x.flatten(self.first), weight.t() if self.transposed else weight, bias)

    def scaled_weight(self, factor: Tensor) -> Tensor:
        return self.weight * (factor if self.transposed else factor[:, None])
