"""PReLU."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer
from netspec.schema.messages import FillerParameter


@layer("PReLU", bottoms=1, tops=1)
class PReLU(Layer):
    """Rectifies with a learned slope: y = max(x, 0) + slope * min(x, 0).

    Blob: slope (C), one per channel (axis 1), or a scalar with channel_shared; 0.25 unless filled otherwise.
    He et al., "Delving deep into rectifiers", 2015.
    """

    slope: Tensor

    def setup(self, x: Shape) -> None:
        param = self.spec.prelu_param
        if len(x) < 2:
            raise self.shape_error("the bottom must have a channel axis: NxC or more", "bottom", 0)
        filler = param.filler if param.HasField("filler") else FillerParameter(type="constant", value=0.25)
        self.add_blob(() if param.channel_shared else x[1:2], filler, name="slope")

    def forward(self, x: Tensor) -> Tensor:
        return F.prelu(x, self.slope)
