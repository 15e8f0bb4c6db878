"""Embed."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import ClassLabels, Layer, Shape
from netspec.layers.registry import layer


@layer("Embed", bottoms=1, tops=1, labels=(0,))
class Embed(Layer):
    """Looks up a learned vector for each index: y = W[x] + b, with one more axis than the bottom.

    Blobs: weight (input_dim, num_output); bias (num_output). Indices count from 0 to input_dim - 1.
    """

    weight: Tensor
    bias: Tensor | None

    def setup(self, x: Shape) -> None:
        param = self.spec.embed_param
        for field in ("num_output", "input_dim"):
            if not getattr(param, field):
                raise self.error(f"{field} must be at least 1", "embed_param", field)
        self.class_labels = ClassLabels(0, param.input_dim)
        self.add_blob((param.input_dim, param.num_output), param.weight_filler)
        if param.bias_term:
            self.add_blob((param.num_output,), param.bias_filler)
        else:
            self.register_parameter("bias", None)

    def forward(self, x: Tensor) -> Tensor:
        y = F.embedding(x.long(), self.weight)
        return y if self.bias is None else y + self.bias
