"""What losses share: labels, normalisers, and gradients that are not the derivative of the number."""

from __future__ import annotations

from math import prod

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import ClassLabels, Layer, Shape
from netspec.schema.messages import LossParameter

# Caffe's losses of probabilities take no logarithm of anything below this.
LEAST_PROBABILITY = 1e-20

# For labels of which none is to be ignored: torch passes over -100 unless told otherwise, no float is this.
NO_LABEL = -(2**63) + 1


def normalization(loss: LossParameter, default: int = LossParameter.VALID) -> int:
    """The mode of normalisation, with regard to the old ``normalize`` (true: VALID, false: BATCH_SIZE)."""
    if loss.HasField("normalization"):
        return loss.normalization
    if loss.HasField("normalize"):
        return LossParameter.VALID if loss.normalize else LossParameter.BATCH_SIZE
    return default


def normaliser(mode: int, labels: Tensor, ignored: int, batch: int) -> Tensor | int:
    """What a sum is divided by, never below 1: the number of whole ``labels`` (FULL), of those that are not
    ``ignored`` (VALID), of items in the batch (BATCH_SIZE), or 1 (NONE)."""
    if mode == LossParameter.NONE:
        return 1
    if mode == LossParameter.BATCH_SIZE:
        return max(1, batch)
    if mode == LossParameter.FULL or ignored == NO_LABEL:
        return max(1, labels.numel())
    return (labels != ignored).sum().clamp(min=1)


def check_labels(layer: Layer, scores: Shape, labels: Shape, axis: int, ignored: int = NO_LABEL) -> None:
    """Labels count as many as the scores have places: all axes but that of the classes.

    Tells the layer, too, what its labels may be.

    Raises:
        ShapeError: they do not.
    """
    places = prod(scores) // scores[axis] if scores[axis] else 0
    if prod(labels) != places:
        rule = f"as many labels as scores without axis {axis} are needed: {places}, not {prod(labels)}"
        raise layer.shape_error(rule, "bottom", 1)
    layer.class_labels = ClassLabels(1, scores[axis], () if ignored == NO_LABEL else (ignored,))


def check_one_label_per_item(layer: Layer, scores: Shape, labels: Shape) -> None:
    """Scores have an axis of items and classes on the others, labels count as many as the items.

    Raises:
        ShapeError: they do not.
    """
    if len(scores) < 2:
        raise layer.shape_error("the scores must be NxC", "bottom", 0)
    if prod(labels) != scores[0]:
        rule = f"one label per item is needed: {scores[0]}, not {prod(labels)}"
        raise layer.shape_error(rule, "bottom", 1)
    layer.class_labels = ClassLabels(1, prod(scores[1:]))


def picked(scores: Tensor, labels: Tensor) -> Tensor:
    """Of scores (N, C, ...) those at the labels (N, ...), whole numbers.

    Raises:
        IndexError: a label is no class (on the CPU; a device's assertion fails instead).
    """
    return -F.nll_loss(scores, labels, reduction="none", ignore_index=NO_LABEL)


def with_gradient_of(value: Tensor, slope: Tensor) -> Tensor:
    """The number ``value``, whose gradient is that of ``slope``."""
    return value.detach() + (slope - slope.detach())


def log_probability(p: Tensor) -> Tensor:
    """log(max(p, 1e-20)), with the gradient 1 / max(p, 1e-20), as Caffe computes both."""
    limited = p.detach().clamp(min=LEAST_PROBABILITY)
    return with_gradient_of(limited.log(), p / limited)
