"""ConvolutionDepthwise and DepthwiseConvolution."""

from __future__ import annotations

from netspec.layers.convolution import Convolution
from netspec.layers.registry import layer

_PARAM = "convolution_param"


@layer("ConvolutionDepthwise", bottoms=1, tops=1, origin="other fork")
class ConvolutionDepthwise(Convolution):
    """Convolves each channel with a kernel of its own: Convolution with as many groups as channels.

    Blobs: weight (C, 1, *kernel); bias (C). num_output and group need not be given; they are C.
    """

    def _check_groups(self, channels: int) -> None:
        for field in ("num_output", "group"):
            value = getattr(self.spec.convolution_param, field)
            if self.spec.convolution_param.HasField(field) and value != channels:
                rule = f"{field} is the number of channels, {channels}, not {value}"
                help = "type Convolution takes any num_output and group"
                raise self.shape_error(rule, _PARAM, field, help=help)
        self.num_output = self.group = channels


@layer("DepthwiseConvolution", bottoms=1, tops=1, origin="other fork")
class DepthwiseConvolution(ConvolutionDepthwise):
    """Convolves each channel with a kernel of its own: another fork's name for ConvolutionDepthwise."""
