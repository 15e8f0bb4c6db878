"""Parameter."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer
from netspec.layers.registry import layer


@layer("Parameter", bottoms=0, tops=1)
class Parameter(Layer):
    """A learned blob as a top, of the given shape; zeros until weights are loaded."""

    weight: Tensor

    def setup(self) -> None:
        param = self.spec.parameter_param
        if not param.HasField("shape"):
            raise self.error("shape must be given", "parameter_param", "shape")
        if min(param.shape.dim, default=0) < 0:
            message = f"a shape has no negative dim, found {min(param.shape.dim)}"
            raise self.error(message, "parameter_param", "shape")
        self.add_blob(tuple(param.shape.dim))

    def forward(self) -> Tensor:
        return self.weight
