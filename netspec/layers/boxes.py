"""Arithmetic of boxes, each a row xmin, ymin, xmax, ymax: overlaps, offsets from priors, who matches whom."""

from __future__ import annotations

import torch
from torch import Tensor

from netspec.schema.messages import PriorBoxParameter, ResizeParameter

# A smaller overlap counts as none at all.
_LEAST_OVERLAP = 1e-6


def areas(boxes: Tensor) -> Tensor:
    """Areas (...) of boxes (..., 4); 0 where a box ends before it starts."""
    width, height = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).unbind(-1)
    return width * height


def overlaps(a: Tensor, b: Tensor) -> Tensor:
    """The area that two boxes share by that of their union: (..., 4) and (..., 4) to (...), broadcast."""
    first, last = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    width, height = (last - first).clamp(min=0).unbind(-1)
    shared = width * height
    # Two empty boxes share nothing of nothing.
    return torch.where(shared > 0, shared / (areas(a) + areas(b) - shared), 0)


def encode(priors: Tensor, variances: Tensor, boxes: Tensor, code: int, plain: bool) -> Tensor:
    """The offsets of boxes from priors.

    Args:
        priors: (..., 4), as all but the last two.
        variances: what offsets are divided by.
        boxes: what is encoded.
        code: the CodeType. CORNER: differences of the corners. CORNER_SIZE: these by the size of the prior.
            CENTER_SIZE: the difference of the centres by the size, and the logarithm of the ratio of sizes.
        plain: leave the variances out.

    Returns:
        (..., 4); NaN or infinite where CENTER_SIZE meets a box without an area.
    """
    size = _size(priors)
    if code == PriorBoxParameter.CENTER_SIZE:
        shift = (_center(boxes) - _center(priors)) / size
        offsets = torch.cat([shift, (_size(boxes) / size).log()], -1)
    else:
        offsets = boxes - priors
        if code == PriorBoxParameter.CORNER_SIZE:
            offsets = offsets / torch.cat([size, size], -1)
    return offsets if plain else offsets / variances


def decode(priors: Tensor, variances: Tensor, offsets: Tensor, code: int, plain: bool) -> Tensor:
    """The boxes (..., 4) at these offsets from priors: `encode` undone."""
    size = _size(priors)
    if not plain:
        offsets = variances * offsets
    if code == PriorBoxParameter.CENTER_SIZE:
        center, half = offsets[..., :2] * size + _center(priors), offsets[..., 2:].exp() * size / 2
        return torch.cat([center - half, center + half], -1)
    if code == PriorBoxParameter.CORNER_SIZE:
        offsets = offsets * torch.cat([size, size], -1)
    return priors + offsets


def in_pixels(boxes: Tensor, height: int, width: int, resize: ResizeParameter | None = None) -> Tensor:
    """Boxes (..., 4), given as shares of what the net saw, in pixels of the image that it was made from.

    Args:
        boxes: cut off where they leave the image.
        height: of the image, in pixels.
        width: of the image, in pixels.
        resize: how the image was resized, which is undone; None for a plain change of both sides.
    """
    corners, low, high = boxes.reshape(*boxes.shape[:-1], 2, 2), boxes.new_zeros(2), boxes.new_ones(2)
    size = boxes.new_tensor([width, height])
    if resize is not None and resize.resize_mode == ResizeParameter.FIT_LARGE_SIZE_AND_PAD:
        seen = boxes.new_tensor([resize.width, resize.height])
        padding = (1 - size / seen / (size / seen).max()) / 2
        low, high = padding, 1 - padding
    scaled = resize is not None and resize.resize_mode == ResizeParameter.FIT_SMALL_SIZE
    if resize is not None and scaled and resize.height_scale and resize.width_scale:
        pixels = corners * boxes.new_tensor([resize.width_scale, resize.height_scale])
    else:
        pixels = (corners - low) / (high - low) * size
    return torch.minimum(pixels.clamp(min=0), size).flatten(-2)


def suppress(boxes: Tensor, valid: Tensor, threshold: float, eta: float = 1) -> Tensor:
    """Which boxes stay when each drops those after it that overlap it by more than a threshold.

    Args:
        boxes: (B, K, 4), each of the B lists with the best first.
        valid: (B, K), boxes that take part.
        threshold: the overlap up to which a box stays.
        eta: below 1, the factor on a list's threshold after each box that stays, while that is above 0.5.

    Returns:
        (B, K), true for the boxes that stay.
    """
    stay = torch.zeros_like(valid)
    worst = boxes.new_zeros(valid.shape)  # the largest overlap with a box that stays
    limit = boxes.new_full(valid.shape[:1], threshold)
    for index in range(valid.shape[1]):
        kept = valid[:, index] & (worst[:, index] <= limit)
        stay[:, index] = kept
        later = overlaps(boxes[:, index, None], boxes[:, index + 1 :])
        worst[:, index + 1 :] = torch.where(
            kept[:, None], torch.maximum(worst[:, index + 1 :], later), worst[:, index + 1 :]
        )
        if eta < 1:
            limit = torch.where(kept & (limit > 0.5), limit * eta, limit)
    return stay


def match(
    overlap: Tensor, group: Tensor, groups: int, threshold: float | None, shadow: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Gives priors to objects, in each group of objects on its own.

    The pair that overlaps most is taken first, then the one that does among what is left, until each object
    has its prior, or no prior to have. With a threshold a prior that is left goes to the object that it
    overlaps most, if by the threshold or more. Among equals the first prior wins, then the first object.

    Args:
        overlap: (G, P), of each object with each prior of its group.
        group: (G,), which group an object is in; ``groups`` for an object that takes no part.
        groups: how many groups there are.
        threshold: see above; None for one prior per object.
        shadow: (G,), objects that get nothing, but take away the priors that overlap them more than others.

    Returns:
        The object of each prior, (groups, P), -1 for none, -2 for one that lies in a shadow; and the largest
        overlap of each prior with an object of the group, (groups, P).
    """
    objects, priors = overlap.shape
    owner = group[:, None].expand(objects, priors)
    pairs = torch.where(overlap > _LEAST_OVERLAP, overlap, 0)
    none = pairs.new_zeros(groups + 1, priors)
    largest = none.scatter_reduce(0, owner, pairs, "amax")
    dark = none
    if shadow is not None:
        dark = none.scatter_reduce(0, owner, pairs * shadow[:, None], "amax")
        pairs = torch.where(shadow[:, None] | (pairs < dark.gather(0, owner)), 0, pairs)
    matched = _one_each(torch.where(owner < groups, pairs, 0), group, groups)
    matched = torch.where((matched == -1) & (dark > 0), -2, matched)
    if threshold is not None:
        number = torch.arange(objects, device=group.device)[:, None].expand(objects, priors)
        is_best = pairs == largest.gather(0, owner)
        best = torch.full_like(matched, objects).scatter_reduce(
            0, owner, torch.where(is_best, number, objects), "amin"
        )
        matched = torch.where((matched == -1) & (largest > 0) & (largest >= threshold), best, matched)
    return matched[:groups], largest[:groups]


def _one_each(pairs: Tensor, group: Tensor, groups: int) -> Tensor:
    """One prior for each object of pairs (G, P), of which 0 is none: objects (groups + 1, P), -1 for none.

    Groups do not meet, so that the largest of all pairs is also the next in its group.
    """
    objects, priors = pairs.shape
    left = pairs.T.contiguous()  # priors first, for the order among equals
    matched = torch.full(((groups + 1) * priors,), -1, dtype=torch.long, device=pairs.device)
    for _ in range(objects):
        best = left.flatten().argmax(keepdim=True)
        found = left.flatten().index_select(0, best) > 0
        prior, taken = best // objects, best % objects
        mine = group.index_select(0, taken)
        place = mine * priors + prior
        matched.index_copy_(0, place, torch.where(found, taken, matched.index_select(0, place)))
        left.index_fill_(1, taken, 0)
        left.index_copy_(0, prior, left.index_select(0, prior) * (group != mine))
    return matched.view(groups + 1, priors)


def _center(boxes: Tensor) -> Tensor:
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def _size(boxes: Tensor) -> Tensor:
    return boxes[..., 2:] - boxes[..., :2]
