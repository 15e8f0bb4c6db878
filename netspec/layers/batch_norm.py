"""BatchNorm and BN."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import ChannelMap, Layer, Shape
from netspec.layers.registry import layer
from netspec.schema.messages import FillerParameter

_PARAM = "batch_norm_param"
_STATISTICS = ("mean", "variance", "scale_factor")


def normalize_batch(
    x: Tensor, scale: Tensor | None, bias: Tensor | None, eps: float, *, like: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalises each channel (axis 1) with the batch's own mean and biased variance.

    Returns:
        The top; and in the type of ``like``, as (C,) each, the mean and the unbiased variance.
    """
    mean, variance = like.new_zeros(2, x.shape[1]).unbind()
    if x.numel() > x.shape[1]:
        # With a momentum of 1, running statistics are those of this batch: the kernel computes them anyway.
        y = F.batch_norm(x, mean, variance, scale, bias, training=True, momentum=1.0, eps=eps)
        return y, mean, variance
    # A single element per channel, at which torch balks, is its own mean: zero, with a gradient of zero.
    y = F.batch_norm(x - x, mean, variance, scale, bias, eps=eps)
    return y, x.detach().flatten().to(mean), variance


def check_channels(layer: Layer, x: Shape) -> int:
    """The number of channels, axis 1.

    Raises:
        ShapeError: the bottom has no such axis.
    """
    if len(x) < 2:
        raise layer.shape_error("the bottom must have channels, on axis 1", "bottom", 0)
    return x[1]


@layer("BatchNorm", bottoms=1, tops=1)
class BatchNorm(Layer):
    """Normalises each channel, axis 1, over all other axes: (x - mean) / sqrt(variance + eps).

    With the statistics of the batch in TRAIN, which enter the running ones; with the running ones in TEST;
    use_global_stats decides otherwise. Blobs, none of them learned: the sums of the batches' means (C) and of
    their unbiased variances (C), and the sum of their weights (1), by which to divide both. At each batch all
    three shrink by moving_average_fraction before it is added with weight 1.

    From the forks: with scale_bias, scale_filler or bias_filler two learned blobs follow, scale (C) and bias
    (C), and the top is scale * x + bias of the above. With use_global_stats, update_global_stats makes TRAIN
    take the batch's variance around the running mean, and go on averaging both. Ioffe & Szegedy, "Batch
    normalization", 2015.
    """

    mean: Tensor
    variance: Tensor
    scale_factor: Tensor
    scale: Tensor | None
    bias: Tensor | None

    def setup(self, x: Shape) -> None:
        param = self.spec.batch_norm_param
        channels = check_channels(self, x)
        self.eps, self.fraction = param.eps, param.moving_average_fraction
        self.global_stats = param.use_global_stats if param.HasField("use_global_stats") else None
        self.update_global = param.update_global_stats
        self._check_lr_mult()
        for name in _STATISTICS:
            self.add_blob((1,) if name == "scale_factor" else (channels,), name=name, learnable=False)
        if param.scale_bias or param.HasField("scale_filler") or param.HasField("bias_filler"):
            filler = param.scale_filler if param.HasField("scale_filler") else FillerParameter(value=1)
            self.add_blob((channels,), filler, name="scale")
            self.add_blob((channels,), param.bias_filler, name="bias")
        else:
            self.register_parameter("scale", None)
            self.register_parameter("bias", None)

    def _check_lr_mult(self) -> None:
        for index, param in enumerate(self.spec.param[: len(_STATISTICS)]):
            if param.HasField("lr_mult") and param.lr_mult != 0:
                message = f"blob {index} is a running statistic, which no solver learns: its lr_mult is 0"
                raise self.error(message, "param", index, "lr_mult", help="write lr_mult: 0, or nothing")

    def forward(self, x: Tensor) -> Tensor:
        return self.normalize(x, self.scale, self.bias)

    def normalize(self, x: Tensor, scale: Tensor | None, bias: Tensor | None) -> Tensor:
        """The top with these (C) in place of the layer's own scale and bias."""
        if self._of_batch:
            y, mean, variance = normalize_batch(x, scale, bias, self.eps, like=self.mean)
            self._accumulate(mean, variance)
            return y
        mean, variance = self._running()
        if self.training and self.update_global:
            variance = self._update_around(x, mean)
        return F.batch_norm(x, mean, variance, scale, bias, eps=self.eps)

    def channel_map(self) -> ChannelMap | None:
        if self._of_batch or (self.training and self.update_global):
            return None
        return _channel_map(*self._running(), self.scale, self.bias, self.eps)

    @property
    def _of_batch(self) -> bool:
        return self.global_stats is False or (self.global_stats is None and self.training)

    def _running(self) -> tuple[Tensor, Tensor]:
        weights = self.scale_factor.detach()
        inverse = torch.where(weights == 0, 0, 1 / weights)
        return self.mean.detach() * inverse, self.variance.detach() * inverse

    def _update_around(self, x: Tensor, mean: Tensor) -> Tensor:
        """The batch's biased variance around a given mean, after both entered the running statistics."""
        with torch.no_grad():
            rows = x.transpose(0, 1).flatten(1)
            variance = (rows - mean[:, None]).square().mean(1)
            self._accumulate(mean, variance * _unbiased(x))
        return variance

    def _accumulate(self, mean: Tensor, variance: Tensor) -> None:
        with torch.no_grad():
            for blob, value in ((self.mean, mean), (self.variance, variance)):
                torch.add(value, blob, alpha=self.fraction, out=blob)
            self.scale_factor.mul_(self.fraction).add_(1)


@layer("BN", bottoms=1, tops=1, origin="other fork")
class BN(Layer):
    """Normalises each channel, axis 1, and gives it a slope and a bias: batch normalisation of PSPNet's fork.

    slope * (x - mean) / sqrt(variance + eps) + bias, with the statistics of the batch in TRAIN, with running
    averages in TEST; if frozen, with these in TRAIN too, and nothing is learned. Blobs, (1, C, 1, 1) each:
    slope, bias, and the running mean and biased variance, r <- momentum r + (1 - momentum) batch. As in the
    fork, slope_filler's default is zero.
    """

    slope: Tensor
    bias: Tensor
    mean: Tensor
    variance: Tensor

    def setup(self, x: Shape) -> None:
        param = self.spec.bn_param
        shape = (1, check_channels(self, x), 1, 1)
        self.eps, self.momentum, self.frozen = param.eps, param.momentum, param.frozen
        self.add_blob(shape, param.slope_filler, name="slope", learnable=not self.frozen)
        self.add_blob(shape, param.bias_filler, name="bias", learnable=not self.frozen)
        self.add_blob(shape, name="mean", learnable=False)
        self.add_blob(shape, FillerParameter(value=self.frozen), name="variance", learnable=False)

    def channel_map(self) -> ChannelMap | None:
        if self.training and not self.frozen:
            return None
        return _channel_map(*self._running(), self.slope.flatten(), self.bias.flatten(), self.eps)

    def _running(self) -> tuple[Tensor, Tensor]:
        return self.mean.detach().flatten(), self.variance.detach().flatten()

    def forward(self, x: Tensor) -> Tensor:
        slope, bias = self.slope.flatten(), self.bias.flatten()
        if self.frozen or not self.training:
            return F.batch_norm(x, *self._running(), slope, bias, eps=self.eps)
        y, mean, variance = normalize_batch(x, slope, bias, self.eps, like=self.mean)
        with torch.no_grad():
            for blob, value in ((self.mean, mean), (self.variance, variance / _unbiased(x))):
                blob.lerp_(value.view_as(blob), 1 - self.momentum)
        return y


def _channel_map(
    mean: Tensor, variance: Tensor, scale: Tensor | None, bias: Tensor | None, eps: float
) -> ChannelMap:
    factor = (variance + eps).rsqrt()
    factor = factor if scale is None else factor * scale
    return factor, -mean * factor if bias is None else torch.addcmul(bias, mean, factor, value=-1)


def _unbiased(x: Tensor) -> float:
    """The factor from a channel's biased variance to its unbiased one."""
    count = x.numel() // x.shape[1]
    return count / max(count - 1, 1)
