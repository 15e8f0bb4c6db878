"""``caffe.Detector``: a net that classifies windows of images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.pycaffe import io
from netspec.pycaffe.classifier import image_transformer
from netspec.pycaffe.net import Net
from netspec.schema.messages import TEST

__all__ = ["Detector"]

Array = NDArray[Any]
Floats = NDArray[np.float32]
Window = Sequence[float] | Array
Images = Iterable[tuple[str | PathLike[str], Iterable[Window]]]


class Detector(Net):
    """A net in the TEST phase that classifies windows of images, warped to its input, as R-CNN does.

    Args:
        model_file: the net's text.
        pretrained_file: its weights.
        mean, input_scale, raw_scale, channel_swap: see `io.Transformer`.
        context_pad: how many pixels at each edge of the input show what is around the window.

    Attributes:
        transformer: brings windows to the input.
        crop_dims: (H, W, C) of the input.
        crop_mean: with ``context_pad`` what stands where a window reaches beyond its image, (H, W, C).

    Raises:
        ValueError: a setting does not fit the input.
    """

    def __init__(
        self,
        model_file: str | PathLike[str],
        pretrained_file: str | PathLike[str],
        mean: Array | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = image_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def detect_windows(self, images_windows: Images) -> list[dict[str, Any]]:
        """Classifies windows of images.

        Args:
            images_windows: pairs of an image's file and its windows, each as (ymin, xmin, ymax, xmax).

        Returns:
            For each window a dict of ``window``, ``prediction``, an array of scores, and ``filename``.

        Raises:
            OSError: a file is missing or holds no image.
            ValueError: an image has another count of channels than the input.
        """
        name, found, crops = self.inputs[0], [], []
        for filename, windows in images_windows:
            image = io.load_image(filename)
            for window in windows:
                found.append({"window": window, "filename": filename})
                crops.append(self.transformer.preprocess(name, self.crop(image, window)))
        if not crops:
            return []
        batch: dict[str, Any] = {name: np.stack(crops)}
        predictions = self.forward_all(**batch)[self.outputs[0]]
        return [
            {"window": one["window"], "prediction": prediction, "filename": one["filename"]}
            for one, prediction in zip(found, predictions, strict=True)
        ]

    def detect_selective_search(self, image_fnames: Sequence[str]) -> list[dict[str, Any]]:
        """Not here: Caffe has windows proposed by a MATLAB program.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            "selective search proposes windows by a MATLAB program, which netspec does not run: "
            "propose them by other means, and give them to detect_windows"
        )

    def crop(self, im: Floats, window: Window) -> Floats:
        """A window of an image (H, W, C); with ``context_pad``, resized to the input's size with what is
        around it, and `crop_mean` in place of what is beyond the image.

        Raises:
            ValueError: the window lies beside the image.
        """
        top, left, bottom, right = (int(edge) for edge in window)
        if not self.context_pad:
            return im[top:bottom, left:right]
        size = self.blobs[self.inputs[0]].width
        box = _widened(np.array([top, left, bottom, right], float), size / (size - 2.0 * self.context_pad))
        scale = size / (box[2:] - box[:2] + 1)
        before = np.round(np.maximum(0, -box[:2]) * scale).astype(int)
        clipped = np.clip(box, 0, np.tile(im.shape[:2], 2)).astype(int)
        if np.any(clipped[2:] <= clipped[:2]):
            raise ValueError(f"window {tuple(window)} lies beside the image of {im.shape[0]}x{im.shape[1]}")
        inner = np.round((clipped[2:] - clipped[:2] + 1) * scale).astype(int)
        (y, x), (height, width) = before, np.minimum(inner, size - before)
        crop: Floats = self.crop_mean.copy()
        if height > 0 and width > 0:
            seen = im[clipped[0] : clipped[2], clipped[1] : clipped[3]]
            crop[y : y + height, x : x + width] = io.resize_image(seen, (height, width))
        return crop

    def configure_crop(self, context_pad: int | None) -> None:
        """Sets how many pixels at each edge of the input show what is around a window; 0 or None for none."""
        name = self.inputs[0]
        order = np.argsort(self.transformer.transpose[name])
        self.crop_dims = np.array(self.blobs[name].data.shape[1:])[order]
        self.context_pad = context_pad
        self.crop_mean: Floats = np.zeros(self.crop_dims, np.float32)
        if context_pad and name in self.transformer.mean:
            mean = np.broadcast_to(self.transformer.mean[name], self.blobs[name].data.shape[1:])
            if name in self.transformer.channel_swap:
                mean = mean[np.argsort(self.transformer.channel_swap[name])]
            self.crop_mean += mean.transpose(order) / self.transformer.raw_scale.get(name, 1)


def _widened(box: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """A box of the same centre whose sides are ``scale`` times as long, to whole pixels."""
    half = (box[2:] - box[:2] + 1) / 2
    centre = box[:2] + half
    widened: NDArray[np.float64] = np.round(np.concatenate([centre - scale * half, centre + scale * half]))
    return widened
