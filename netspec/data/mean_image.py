"""The mean of all images of a database, as Caffe's compute_image_mean computes it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from netspec.data.items import Item
from netspec.errors import DataError

Floats = NDArray[np.float32]


def mean_image(items: Iterable[Item]) -> Floats:
    """The mean (C, H, W) of images: added up in turn, in float32, as Caffe does.

    Raises:
        DataError: the images have different sizes, or there is none.
    """
    total, count = np.zeros(0, np.float32), 0
    for item in items:
        if not count:
            total = np.zeros(item.values.shape, np.float32)
        elif item.values.shape != total.shape:
            here, there = ("x".join(map(str, shape)) for shape in (item.values.shape, total.shape))
            help = "a mean needs images of one size: `netspec data convert-imageset` can resize them"
            message = f"the image of record '{item.name}' is {here}, those before it {there}"
            raise DataError.at(message, help=help)
        total += item.values
        count += 1
    if not count:
        raise DataError.at("there are no images to take the mean of")
    total /= np.float32(count)
    return total


def channel_means(mean: Floats) -> list[float]:
    """The mean of each channel of a mean image (C, H, W), added up as Caffe does: in turn, in float32."""
    return [float(np.add.accumulate(plane.ravel())[-1] / np.float32(plane.size)) for plane in mean]
