"""SegAccuracy."""

from __future__ import annotations

import torch
from torch import Tensor

from netspec.layers.base import ClassLabels, Layer, Shape
from netspec.layers.registry import layer


@layer("SegAccuracy", bottoms=2, tops=1, origin="other fork", labels=(0, 1))
class SegAccuracy(Layer):
    """Three shares of pixels that are classed right: of all, mean over classes, mean intersection by union.

    Scores (N, C, H, W) and labels (N, 1, H, W); the top is (1, 1, 1, 3). The highest score gives the class,
    of equal ones the last. A class that is nowhere labelled is not in the first mean; one that is neither
    labelled nor found counts as 1 in the second. Labels of an ignore_label do not count. With reset false,
    pixels add up from batch to batch. In the fork, too, all three are given whatever the metric.
    """

    counts: Tensor

    def setup(self, x: Shape, labels: Shape) -> None:
        param = self.spec.seg_accuracy_param
        if len(x) < 2 or labels != (x[0], 1, *x[2:]):
            raise self.shape_error("the bottoms must be NxCxHxW and Nx1xHxW", "bottom", 1)
        self.classes, self.ignored, self.reset = x[1], tuple(param.ignore_label), param.reset
        self.class_labels = ClassLabels(1, self.classes, self.ignored)
        self.register_buffer("counts", torch.zeros(self.classes**2, dtype=torch.long), persistent=False)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        target = labels.long().squeeze(1)
        counted = torch.ones_like(target, dtype=torch.bool)
        for label in self.ignored:
            counted &= target != label
        found = self.classes - 1 - x.flip(1).argmax(1)
        pairs = target.where(counted, 0) * self.classes + found
        before = torch.zeros_like(self.counts) if self.reset else self.counts
        counts = before.index_add(0, pairs.flatten(), counted.flatten().long())
        if not self.reset:
            self.counts.copy_(counts)
        return _shares(counts.reshape(self.classes, self.classes), x)


def _shares(confusion: Tensor, x: Tensor) -> Tensor:
    """The three numbers, from how often which class (rows) was taken for which (columns)."""
    right, labelled = confusion.diagonal(), confusion.sum(1)
    union = labelled + confusion.sum(0) - right
    accuracy = right.sum() / confusion.sum().clamp(min=1)
    recall = (right / labelled.clamp(min=1)).sum() / (labelled > 0).sum().clamp(min=1)
    overlap = torch.where(union == right, 1, right / union).mean()
    shares = torch.stack([accuracy, recall, overlap]).reshape(1, 1, 1, 3)
    return shares.to(torch.promote_types(x.dtype, torch.float32))
