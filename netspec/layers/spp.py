"""SPP."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netspec.layers.base import Layer, Shape, show_shape
from netspec.layers.pooling import Pooling
from netspec.layers.registry import layer
from netspec.schema.messages import LayerParameter, PoolingParameter, SPPParameter

_PARAM = "spp_param"


@layer("SPP", bottoms=1, tops=1)
class SPP(Layer):
    """Spatial pyramid pooling: pools into 1x1, 2x2, 4x4, .. bins, and joins all of them.

    Level i pools without overlap into 2^i x 2^i bins of ceil(size / 2^i) elements, with just enough padding;
    pool is MAX, AVE or STOCHASTIC. The top is (N, C * number of bins), level by level; for a pyramid_height
    of 1 it is (N, C, 1, 1). He et al., "Spatial pyramid pooling in deep convolutional networks", 2014.
    """

    def setup(self, x: Shape) -> None:
        param = self.spec.spp_param
        if len(x) != 4:
            raise self.shape_error("the bottom must be NxCxHxW", "bottom", 0)
        if param.pyramid_height < 1:
            raise self.error("pyramid_height must be given and at least 1", _PARAM, "pyramid_height")
        self.levels = nn.ModuleList(self._level(x, 1 << level) for level in range(param.pyramid_height))

    def _level(self, x: Shape, bins: int) -> Pooling:
        kernel = [-(-size // bins) for size in x[2:]]
        pad = [(k * bins - size + 1) // 2 for k, size in zip(kernel, x[2:], strict=True)]
        if any(p >= k for p, k in zip(pad, kernel, strict=True)):
            rule = f"a plane of {show_shape(x[2:])} does not fill {bins}x{bins} bins"
            raise self.shape_error(rule, _PARAM, "pyramid_height", help="take fewer levels")
        if any(pad) and self.spec.spp_param.pool == SPPParameter.STOCHASTIC:
            rule = f"pool STOCHASTIC takes no padding, which {bins}x{bins} bins need"
            raise self.shape_error(rule, _PARAM, "pool", help=f"it takes sides that {bins} divides")
        h, w = range(2)
        window = PoolingParameter(
            pool=self.spec.spp_param.pool,
            kernel_h=kernel[h],
            kernel_w=kernel[w],
            stride_h=kernel[h],
            stride_w=kernel[w],
            pad_h=pad[h],
            pad_w=pad[w],
        )
        spec = LayerParameter(name=self.name, type="Pooling", bottom=self.spec.bottom, top=self.spec.top)
        spec.pooling_param.CopyFrom(window)
        pooling = Pooling(spec, self.spans, training=self.training)
        pooling.build([x])
        return pooling

    def forward(self, x: Tensor) -> Tensor:
        pooled = [level(x) for level in self.levels]
        return torch.cat([bins.flatten(1) for bins in pooled], 1) if len(pooled) > 1 else pooled[0]
