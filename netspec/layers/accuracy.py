"""Accuracy."""

from __future__ import annotations

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.losses import NO_LABEL, check_labels, picked
from netspec.layers.registry import layer


@layer("Accuracy", bottoms=2, tops=(1, 2), labels=(0, 1))
class Accuracy(Layer):
    """The share of labels whose class is among the top_k highest scores; second top: per class.

    A score equal to that of the labelled class counts as higher. Labels of ignore_label do not count.
    """

    def setup(self, x: Shape, labels: Shape) -> None:
        param = self.spec.accuracy_param
        self.class_axis = self.axis(param.axis, len(x), "accuracy_param", "axis")
        self.ignored = param.ignore_label if param.HasField("ignore_label") else NO_LABEL
        check_labels(self, x, labels, self.class_axis, self.ignored)
        self.top_k, self.per_class = param.top_k, self.num_tops == 2
        if self.top_k > x[self.class_axis]:
            rule = f"top_k {self.top_k} is above the number of classes, {x[self.class_axis]}"
            raise self.shape_error(rule, "accuracy_param", "top_k")

    def forward(self, x: Tensor, labels: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        axis = self.class_axis
        scores = x.reshape(-1, *x.shape[axis:])
        target = labels.long().reshape(-1, *x.shape[axis + 1 :])
        counted = target != self.ignored
        target = target.where(counted, 0)  # what is ignored need not be a class at all
        others = (scores >= picked(scores, target).unsqueeze(1)).sum(1) - 1
        hit = (others < self.top_k) & counted
        accuracy = _share(hit.sum(), counted.sum(), x)
        if not self.per_class:
            return accuracy
        hits, counts = (
            target.new_zeros(x.shape[axis]).scatter_add(0, target.flatten(), which.long().flatten())
            for which in (hit, counted)
        )
        return accuracy, _share(hits, counts, x)


def _share(part: Tensor, whole: Tensor, x: Tensor) -> Tensor:
    return (part / whole.clamp(min=1)).to(torch.promote_types(x.dtype, torch.float32))
