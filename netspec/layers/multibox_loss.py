"""MultiBoxLoss."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, prod

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.boxes import areas, decode, encode, match, overlaps, suppress
from netspec.layers.losses import normalization, with_gradient_of
from netspec.layers.registry import layer
from netspec.schema.messages import LossParameter, MultiBoxLossParameter

_PARAM = "multibox_loss_param"

# No probability counts as less than the smallest normal float32.
_LARGEST_LOSS = -log(torch.finfo(torch.float32).tiny)

# A candidate smaller than this is not mined when those that overlap are dropped.
_LEAST_AREA = 1e-5


@dataclass(frozen=True)
class _Objects:
    """The rows of the last bottom: the item of each, its class, its box (G, 4), and whether it is difficult.

    The item is the number of items in the batch where a row does not count.
    """

    item: Tensor
    label: Tensor
    box: Tensor
    difficult: Tensor


@dataclass(frozen=True)
class _Priors:
    """P boxes and their variances, (P, 4) each."""

    box: Tensor
    variance: Tensor


def check_predictions(
    layer: Layer, param: str, shapes: tuple[Shape, ...], classes: int, shared: bool
) -> None:
    """Offsets (N, P * 4), or as many per class, and scores (N, P * classes) fit priors (1, 2, P * 4).

    Raises:
        NetError: they do not, or the number of classes is missing.
    """
    loc, conf, priors = shapes
    if classes < 1:
        raise layer.error("num_classes must be given and at least 1", param, "num_classes")
    if len(priors) != 3 or priors[1] != 2 or priors[2] % 4:
        raise layer.shape_error("priors must be 1x2x4P, as PriorBox makes them", "bottom", 2)
    count = priors[2] // 4
    if loc[:1] != conf[:1]:
        raise layer.shape_error("offsets and scores must have as many items", "bottom", 1)
    for index, (shape, each) in enumerate([(loc, 4 if shared else 4 * classes), (conf, classes)]):
        if prod(shape[1:]) != count * each:
            rule = f"{count} priors need {count} x {each} = {count * each} numbers per item"
            raise layer.shape_error(f"{rule}, not {prod(shape[1:])}", "bottom", index)


@layer("MultiBoxLoss", bottoms=4, tops=1, origin="other fork", loss=True, labels=(2, 3))
class MultiBoxLoss(Layer):
    """The loss of a detector: that of classes, plus loc_weight times that of offsets, over a normaliser.

    Bottoms: offsets (N, 4 P), or as many per class without share_location; scores (N, P classes), before any
    softmax; priors (1, 2, 4 P), as of PriorBox; objects (1, 1, G, 8), each the item (-1: none), the class, a
    number that is not used, xmin, ymin, xmax, ymax, and 1 if difficult.

    Priors get objects as `boxes.match` does it. Those that have one count with the offset of its box, as
    `boxes.encode` has it, and with its class. Of the others, all count with the class of the background
    (mining NONE), or neg_pos_ratio times as many as an item has with an object, those of the largest loss
    (MAX_NEGATIVE); HARD_EXAMPLE takes sample_size of all. An item without objects counts with mining NONE
    only. The normaliser is the number of priors with an object (VALID), of items (BATCH_SIZE), of all priors
    (FULL) or 1. Liu et al., "SSD: single shot multibox detector", 2016.

    As in the fork, the targets of LOGISTIC are background_label_id where they are not 1, and without mining
    those of item i stand i P places on, not i P classes.
    """

    def setup(self, loc: Shape, conf: Shape, priors: Shape, objects: Shape) -> None:
        param = self.spec.multibox_loss_param
        check_predictions(self, _PARAM, (loc, conf, priors), param.num_classes, param.share_location)
        if not objects or objects[-1] != 8:
            raise self.shape_error("objects must be 1x1xGx8", "bottom", 3)
        self._check_param()
        self.mode = normalization(self.spec.loss_param)
        self.with_loc, self.with_conf = list(self.spec.propagate_down)[:2] or [True, True]
        self.loc_weight, self.classes = param.loc_weight, param.num_classes
        self.sets = 1 if param.share_location else self.classes  # of offsets for each prior
        self.background, self.agnostic = param.background_label_id, param.map_object_to_agnostic
        self.is_l2 = param.loc_loss_type == MultiBoxLossParameter.L2
        self.is_logistic = param.conf_loss_type == MultiBoxLossParameter.LOGISTIC
        self.code, self.plain, self.inside_only = (
            param.code_type,
            param.encode_variance_in_target,
            param.bp_inside,
        )
        self._read_matching()
        self._read_mining()

    def _read_matching(self) -> None:
        param = self.spec.multibox_loss_param
        per_prediction = param.match_type == MultiBoxLossParameter.PER_PREDICTION
        self.threshold = param.overlap_threshold if per_prediction else None
        self.by_prior, self.skip_crossing = param.use_prior_for_matching, param.ignore_cross_boundary_bbox
        self.use_difficult, self.shadow_difficult = param.use_difficult_gt, param.ignore_difficult_gt

    def _read_mining(self) -> None:
        param = self.spec.multibox_loss_param
        self.mining = param.mining_type != MultiBoxLossParameter.NONE
        self.sample = param.sample_size if param.mining_type == MultiBoxLossParameter.HARD_EXAMPLE else None
        self.ratio, self.least_overlap = param.neg_pos_ratio, param.neg_overlap
        # The fork reads top_k even where it is not given, as 0.
        self.nms_threshold = param.nms_param.nms_threshold if param.HasField("nms_param") else 0
        self.nms_top, self.nms_by_prior = param.nms_param.top_k, param.use_prior_for_nms

    def _check_param(self) -> None:
        param = self.spec.multibox_loss_param
        mining = param.mining_type != MultiBoxLossParameter.NONE
        if param.HasField("do_neg_mining") and param.do_neg_mining != mining:
            raise self.error("do_neg_mining contradicts mining_type", _PARAM, "do_neg_mining")
        if mining and not param.share_location:
            message = "only mining_type NONE goes without share_location"
            raise self.error(message, _PARAM, "share_location")
        if param.mining_type == MultiBoxLossParameter.HARD_EXAMPLE and param.sample_size < 1:
            raise self.error("sample_size must be at least 1", _PARAM, "sample_size")
        if param.map_object_to_agnostic and param.num_classes != 2:
            message = "map_object_to_agnostic leaves two classes: object and background"
            raise self.error(message, _PARAM, "num_classes")
        is_softmax = param.conf_loss_type == MultiBoxLossParameter.SOFTMAX
        if is_softmax and param.background_label_id >= param.num_classes:
            message = f"background_label_id must be one of the {param.num_classes} classes"
            raise self.error(message, _PARAM, "background_label_id")

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        # A dry run would take a step for each row of objects, however many the text says there may be.
        return [()]

    def forward(self, loc: Tensor, conf: Tensor, priors: Tensor, objects: Tensor) -> Tensor:
        items, count = loc.shape[0], priors.shape[2] // 4
        prior = _Priors(*priors[0].detach().reshape(2, count, 4))
        loc = loc.reshape(items, count, self.sets, 4).transpose(1, 2)
        conf = conf.reshape(items, count, self.classes)
        truth = self._objects(objects.detach(), items)
        with torch.no_grad():
            matched, overlap = self._match(loc, prior, truth)
        loc_losses = self._loc_losses(loc, prior, truth, matched)
        negative = torch.ones_like(matched[:, 0], dtype=torch.bool)
        if self.mining:
            with torch.no_grad():
                losses = self._conf_losses(conf, self._wanted(truth, matched))
                picked = self._mine(losses, loc_losses, loc, prior, truth, matched, overlap)
            negative = picked & (matched[:, 0] == -1)
            if self.sample is not None:
                matched = torch.where(picked[:, None] | (matched < 0), matched, -1)
        positive = matched >= 0
        total = loc.new_zeros(())
        if self.with_loc:
            total = total + self.loc_weight * torch.where(positive, loc_losses, 0).sum()
        if self.with_conf:
            marks = self._marks(truth, matched) if self.is_logistic else None
            losses = self._conf_losses(conf, self._wanted(truth, matched), marks)
            total = total + torch.where(positive.any(1) | negative, losses, 0).sum()
        return total / self._normaliser(positive)

    def _normaliser(self, positive: Tensor) -> Tensor | int:
        items, _, count = positive.shape
        if self.mode == LossParameter.VALID:
            return positive.sum().clamp(min=1)
        return {LossParameter.FULL: items * count, LossParameter.BATCH_SIZE: items}.get(self.mode, 1)

    def _objects(self, objects: Tensor, items: int) -> _Objects:
        rows = objects.reshape(-1, 8)
        if not rows.shape[0]:  # an object to point to, for priors that have none
            rows = rows.new_full((1, 8), -1)
        item, difficult = rows[:, 0].long(), rows[:, 7] != 0
        counts = (item >= 0) & (item < items)
        if not self.use_difficult:
            counts = counts & ~difficult
        return _Objects(torch.where(counts, item, items), rows[:, 1].long(), rows[:, 3:7], difficult)

    def _match(self, loc: Tensor, prior: _Priors, truth: _Objects) -> tuple[Tensor, Tensor]:
        """The object of each prior, (N, sets, P), -1 for none, -2 where it does not count; and the largest
        overlap of each prior with an object, (N, P): of its class's, (N sets, P), with predictions per class.
        """
        items, sets, count, _ = loc.shape
        if self.by_prior:
            boxes, groups, group, index = prior.box[None], items, truth.item, torch.zeros_like(truth.item)
        else:
            boxes, groups = self._boxes(loc, prior).flatten(0, 1), items * sets
            group = truth.item
            if sets > 1:
                is_class = (truth.label >= 0) & (truth.label < sets) & (truth.label != self.background)
                group = torch.where(is_class & (group < items), group * sets + truth.label, groups)
            index = group.clamp(max=groups - 1)
        overlap = overlaps(truth.box[:, None], boxes[index])
        crossing = ((boxes < 0) | (boxes > 1)).any(-1) & self.skip_crossing
        overlap = torch.where(crossing[index], 0, overlap)
        shadow = truth.difficult if self.shadow_difficult else None
        matched, largest = match(overlap, group, groups, self.threshold, shadow)
        matched = torch.where(crossing, -2, matched)
        if sets > 1 and self.by_prior:
            return self._by_class(matched, truth), largest
        return matched.view(items, sets, count), largest

    def _by_class(self, matched: Tensor, truth: _Objects) -> Tensor:
        """Objects of priors, (N, P), as those of the class's own set of offsets, (N, sets, P)."""
        label = torch.where(matched >= 0, truth.label[matched.clamp(min=0)], self.background)
        classes = torch.arange(self.sets, device=label.device)[:, None]
        return torch.where((label[:, None] == classes) & (classes != self.background), matched[:, None], -1)

    def _boxes(self, loc: Tensor, prior: _Priors) -> Tensor:
        return decode(prior.box, prior.variance, loc.detach(), self.code, self.plain)

    def _loc_losses(self, loc: Tensor, prior: _Priors, truth: _Objects, matched: Tensor) -> Tensor:
        """The loss of the offsets (N, sets, P, 4) of each prior, (N, sets, P); 0 without an object."""
        wanted = encode(
            prior.box, prior.variance, truth.box[matched.clamp(min=0)], self.code, plain=self.plain
        )
        counted = (matched >= 0)[..., None]
        if self.inside_only:
            boxes = prior.box if self.by_prior else self._boxes(loc, prior)
            counted = counted & (boxes >= 0) & (boxes <= 1)
        # Twice, as a NaN that is not chosen still spoils the gradient.
        difference = torch.where(counted, loc - torch.where(counted, wanted, 0), 0)
        if self.plain:
            difference = difference / prior.variance
        if self.is_l2:
            return difference.square().sum(-1) / 2
        return F.smooth_l1_loss(difference, torch.zeros_like(difference), reduction="none").sum(-1)

    def _labels(self, truth: _Objects, matched: Tensor) -> Tensor:
        """The class of the object of each prior, (N, sets, P); what it says without one means nothing."""
        label = truth.label[matched.clamp(min=0)]
        return torch.full_like(label, self.background + 1) if self.agnostic else label

    def _wanted(self, truth: _Objects, matched: Tensor) -> Tensor:
        """The class that each prior is to have, (N, P); the last one where sets disagree."""
        label = torch.where(matched >= 0, self._labels(truth, matched), -1).amax(1)
        return torch.where((matched >= 0).any(1), label, self.background)

    def _marks(self, truth: _Objects, matched: Tensor) -> Tensor:
        """The targets of LOGISTIC, (N, P, classes)."""
        items, _, count = matched.shape
        classes = torch.arange(self.classes, device=matched.device)
        hits = (self._labels(truth, matched)[..., None] == classes) & (matched >= 0)[..., None]
        hits = hits.any(1)
        if self.mining:
            hits = hits | (matched < 0).all(1)[..., None] & (classes == self.background)
        else:
            place = torch.arange(count * self.classes, device=matched.device)
            place = place + count * torch.arange(items, device=matched.device)[:, None]
            sums = torch.zeros_like(place).flatten().index_add(0, place.flatten(), hits.flatten().long())
            hits = sums.view_as(hits) > 0
        return torch.where(hits, 1, self.background)

    def _conf_losses(self, conf: Tensor, wanted: Tensor, marks: Tensor | None = None) -> Tensor:
        """The loss of the scores of each prior, (N, P), for the class it is to have, or for targets."""
        if not self.is_logistic:
            losses = F.cross_entropy(conf.transpose(1, 2), wanted, reduction="none")
            return with_gradient_of(losses.clamp(max=_LARGEST_LOSS), losses)
        if marks is None:
            marks = wanted[..., None] == torch.arange(self.classes, device=wanted.device)
        return F.binary_cross_entropy_with_logits(conf, marks.to(conf.dtype), reduction="none").sum(-1)

    def _mine(
        self,
        losses: Tensor,
        loc_losses: Tensor,
        loc: Tensor,
        prior: _Priors,
        truth: _Objects,
        matched: Tensor,
        overlap: Tensor,
    ) -> Tensor:
        """The priors of the largest loss, (N, P), among those that may be mined."""
        items = torch.arange(loc.shape[0], device=loc.device)[:, None]
        candidates = (truth.item == items).any(1, keepdim=True).expand_as(losses)
        positive = matched[:, 0] >= 0
        if self.sample is None:
            limit = (positive.sum(1, keepdim=True).to(torch.float32) * self.ratio).long()
            candidates = candidates & (matched[:, 0] == -1) & (overlap < self.least_overlap)
        else:
            limit = torch.full_like(items, self.sample)
            losses = losses + loc_losses[:, 0]
        order = losses.masked_fill(~candidates, -torch.inf).argsort(dim=1, descending=True, stable=True)
        chosen = candidates.gather(1, order)
        if self.nms_threshold > 0:
            boxes = prior.box.expand_as(loc[:, 0]) if self.nms_by_prior else self._boxes(loc, prior)[:, 0]
            chosen = self._apart(boxes, order, chosen)
        chosen = chosen & (chosen.cumsum(1) <= limit)
        return torch.zeros_like(chosen).scatter(1, order, chosen)

    def _apart(self, boxes: Tensor, order: Tensor, chosen: Tensor) -> Tensor:
        """Of the chosen in order (N, P), those left when boxes (N, P, 4) drop others that overlap them."""
        count = order.shape[1]
        top = min(self.nms_top, count) if self.nms_top >= 0 else count
        boxes = boxes.gather(1, order[:, :top, None].expand(-1, -1, 4))
        stay = suppress(boxes, chosen[:, :top] & (areas(boxes) >= _LEAST_AREA), self.nms_threshold)
        return F.pad(stay, (0, count - top))
