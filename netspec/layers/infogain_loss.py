"""InfogainLoss."""

from __future__ import annotations

from math import log, prod

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.data.binaryproto import read_binaryproto
from netspec.layers.base import Layer, Shape
from netspec.layers.losses import (
    LEAST_PROBABILITY,
    NO_LABEL,
    check_labels,
    normaliser,
    normalization,
    with_gradient_of,
)
from netspec.layers.registry import layer

_PARAM = "infogain_loss_param"


@layer("InfogainLoss", bottoms=(2, 3), tops=(1, 2), loss=True, labels=(1, 2))
class InfogainLoss(Layer):
    """Cross entropy with a matrix H: the sum of -H[label, k] log(softmax(x)[k]) over a normaliser.

    H has a row and a column per class. It is the third bottom, or comes from the binaryproto file ``source``;
    the identity makes this SoftmaxWithLoss, whose normaliser it has. A probability below 1e-20 counts as
    that. The second top holds the softmax, through which no gradient passes.
    """

    matrix: Tensor  # that of the file; none where a bottom brings it

    def setup(self, x: Shape, labels: Shape, matrix: Shape | None = None) -> None:
        loss, param = self.spec.loss_param, self.spec.infogain_loss_param
        self.class_axis = self.axis(param.axis, len(x), _PARAM, "axis")
        self.ignored = loss.ignore_label if loss.HasField("ignore_label") else NO_LABEL
        check_labels(self, x, labels, self.class_axis, self.ignored)
        self.mode, self.with_softmax = normalization(loss), self.num_tops == 2
        classes = x[self.class_axis]
        if matrix is not None and prod(matrix) != classes**2:
            raise self.shape_error(f"the matrix must have {classes}x{classes} elements", "bottom", 2)
        values = self._read(param.source, classes) if matrix is None else None
        self.register_buffer("matrix", values, persistent=False)

    def _read(self, source: str, classes: int) -> Tensor:
        if not source:
            help = "name a file in infogain_loss_param { source }, or give a third bottom"
            raise self.error("has no matrix", help=help)
        path = self.find_file(source, _PARAM, "source")
        try:
            values = torch.from_numpy(read_binaryproto(path)[0])
        except ValueError as error:
            raise self.error(f"'{path}' is no binaryproto of a matrix", _PARAM, "source") from error
        if values.numel() != classes**2:
            message = f"'{path}' has {values.numel()} numbers, not {classes}x{classes}"
            raise self.error(message, _PARAM, "source", help="one row and one column per class")
        return values.reshape(classes, classes)

    def forward(
        self, x: Tensor, labels: Tensor, matrix: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        axis = self.class_axis
        target = labels.long().reshape(-1, *x.shape[axis + 1 :])
        counted = target != self.ignored
        table = self.matrix if matrix is None else matrix.detach().reshape(x.shape[axis], -1)
        rows = F.embedding(target.where(counted, 0), table) * counted.unsqueeze(-1)
        logs = x.log_softmax(axis)
        limited = with_gradient_of(logs.clamp(min=log(LEAST_PROBABILITY)), logs)
        sums = (rows * limited.reshape(-1, *x.shape[axis:]).movedim(1, -1)).sum()
        loss = -sums / normaliser(self.mode, target, self.ignored, prod(x.shape[:axis]))
        return (loss, x.detach().softmax(axis)) if self.with_softmax else loss
