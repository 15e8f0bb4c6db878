"""``caffe.Classifier``: a net that says of images what they show."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.pycaffe import io
from netspec.pycaffe.net import Net
from netspec.schema.messages import TEST

__all__ = ["Classifier", "image_transformer"]

Array = NDArray[Any]
Floats = NDArray[np.float32]


def image_transformer(
    net: Net,
    mean: Array | None,
    input_scale: float | None,
    raw_scale: float | None,
    channel_swap: Sequence[int] | None,
) -> io.Transformer:
    """What brings images (H, W, C) to a net's first input.

    Raises:
        ValueError: a setting does not fit the input.
    """
    name = net.inputs[0]
    transformer = io.Transformer({name: net.blobs[name].data.shape})
    transformer.set_transpose(name, (2, 0, 1))
    if mean is not None:
        transformer.set_mean(name, mean)
    if input_scale is not None:
        transformer.set_input_scale(name, input_scale)
    if raw_scale is not None:
        transformer.set_raw_scale(name, raw_scale)
    if channel_swap is not None:
        transformer.set_channel_swap(name, channel_swap)
    return transformer


class Classifier(Net):
    """A net in the TEST phase that classifies images whole, by their centre, or by ten crops.

    Args:
        model_file: the net's text.
        pretrained_file: its weights.
        image_dims: height and width to which images are resized before they are cropped; the input's own
            where it is None, so that nothing is cropped.
        mean, input_scale, raw_scale, channel_swap: see `io.Transformer`.

    Attributes:
        transformer: brings crops to the input.
        crop_dims: height and width of a crop, which are the input's.
        image_dims: height and width of an image before it is cropped.

    Raises:
        ValueError: a setting does not fit the input.
    """

    def __init__(
        self,
        model_file: str | PathLike[str],
        pretrained_file: str | PathLike[str],
        image_dims: Sequence[int] | None = None,
        mean: Array | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = image_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[self.inputs[0]].data.shape[2:])
        given = image_dims is not None and len(image_dims) > 0
        self.image_dims = np.array(image_dims) if given else self.crop_dims

    def predict(self, inputs: Sequence[Array], oversample: bool = True) -> Floats:
        """What the net says of images.

        Args:
            inputs: N images (H, W, C), of any sizes.
            oversample: the mean over ten crops, see `io.oversample`; otherwise the centre alone.

        Returns:
            (N, K) for K classes.

        Raises:
            ValueError: an image has another count of channels than the input, or is smaller than a crop.
        """
        images = np.stack([io.resize_image(image, self.image_dims) for image in inputs])
        if oversample:
            crops = io.oversample(images, self.crop_dims)
        else:
            *_, (rows, columns) = io.crop_places(self.image_dims, self.crop_dims)
            crops = images[:, rows, columns]
        name = self.inputs[0]
        batch: dict[str, Any] = {name: np.stack([self.transformer.preprocess(name, crop) for crop in crops])}
        scores: Floats = self.forward_all(**batch)[self.outputs[0]]
        return scores.reshape(len(inputs), 10, -1).mean(1) if oversample else scores
