"""What Convolution, Deconvolution and InnerProduct share: a weight and a bias for each channel of the top."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer


class Linear(Layer):
    """A layer whose top is linear in its blob weight, plus its blob bias, if it has one, per channel."""

    weight: Tensor
    bias: Tensor | None

    @property
    def maps_channels(self) -> bool:
        """Whether the channels of the one top, to which the biases belong, are its axis 1."""
        raise NotImplementedError

    def transform(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The top for these blobs in place of the layer's own."""
        raise NotImplementedError

    def scaled_weight(self, factor: Tensor) -> Tensor:
        """The weight with which each channel of the top is its ``factor`` (C) times what it is now, but for
        the bias."""
        raise NotImplementedError
