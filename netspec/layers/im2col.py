"""Im2col."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Shape
from netspec.layers.convolution import Convolving
from netspec.layers.registry import layer


@layer("Im2col", bottoms=1, tops=1)
class Im2col(Convolving):
    """Lays out what each window of a convolution sees along the channels.

    The top is (N, C * product of kernel, *places of the window): channel by channel, in it element by element
    of the kernel. Kernel, stride, pad and dilation are those of convolution_param.
    """

    def setup(self, *shapes: Shape) -> None:
        super().setup(*shapes)
        self.check_window(shapes[0])

    def _check_groups(self, channels: int) -> None:
        """Windows take all channels, and there is no num_output."""

    @property
    def maps_channels(self) -> bool:
        return False  # there is no weight

    def convolve(self, x: Tensor) -> Tensor:
        spatial = self.num_spatial
        windows = F.pad(x, [pad for size in reversed(self.padding) for pad in (size, size)])
        for axis, (k, stride, d) in enumerate(zip(self.kernel, self.stride, self.dilation, strict=True), 2):
            windows = windows.unfold(axis, d * (k - 1) + 1, stride)[..., ::d]
        # From (N, C, *places, *kernel) to (N, C, *kernel, *places).
        order = [0, 1, *range(2 + spatial, 2 + 2 * spatial), *range(2, 2 + spatial)]
        return windows.permute(order).flatten(1, 1 + spatial)
