"""The objects in an image: what becomes of their boxes when the image is cut, and random cuts around them.

An image has rows of seven numbers: class, instance, xmin, ymin, xmax, ymax, difficult (0 or 1); a box is
given in shares of the image's sides. Liu et al., "SSD: single shot multibox detector" (2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from netspec.schema.messages import BatchSampler, EmitConstraint, SampleConstraint, Sampler

Floats = NDArray[np.float32]

COLUMNS = 7
BOX = slice(2, 6)
NO_OBJECTS = np.empty((0, COLUMNS), np.float32)
WHOLE = np.asarray([0, 0, 1, 1], np.float32)


def cut(objects: Floats, window: Floats, constraint: EmitConstraint | None) -> Floats:
    """The objects in a window of the image, their boxes in shares of the window and cut off at its border.

    Args:
        window: xmin, ymin, xmax, ymax; it may reach beyond the image.
        constraint: what an object must fulfil to stay; in any case part of it lies in the window.
    """
    boxes = objects[:, BOX]
    kept = np.asarray((boxes[:, :2] < window[2:]).all(axis=1) & (boxes[:, 2:] > window[:2]).all(axis=1))
    if constraint is not None:
        kept &= _emitted(boxes, window, constraint)
    origin, size = np.tile(window[:2], 2), np.tile(window[2:] - window[:2], 2)
    moved = ((boxes - origin) / size).clip(0, 1)
    result: Floats = objects.copy()
    result[:, BOX] = moved
    left: Floats = result[kept & (_areas(moved) > 0)]
    return left


def mirrored(objects: Floats) -> Floats:
    """The objects of an image that was flipped left and right."""
    result: Floats = objects.copy()
    result[:, [2, 4]] = 1 - objects[:, [4, 2]]
    return result


def _emitted(boxes: Floats, window: Floats, constraint: EmitConstraint) -> NDArray[np.bool_]:
    if constraint.emit_type == EmitConstraint.MIN_OVERLAP:
        return np.asarray(_coverage(boxes, window) > np.float32(constraint.emit_overlap))
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.asarray(((centres >= window[:2]) & (centres <= window[2:])).all(axis=1))


def _areas(boxes: Floats) -> Floats:
    sides = (boxes[..., 2:] - boxes[..., :2]).clip(min=0)
    return np.asarray(sides.prod(axis=-1), np.float32)


def _shared(boxes: Floats, window: Floats) -> Floats:
    """The area that each box has in common with a window."""
    low, high = np.maximum(boxes[:, :2], window[:2]), np.minimum(boxes[:, 2:], window[2:])
    return _areas(np.concatenate([low, high], axis=1))


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=part > 0)


def _coverage(boxes: Floats, window: Floats) -> Floats:
    """How much of each box lies in a window, 0 to 1."""
    return _ratio(_shared(boxes, window), _areas(boxes))


def sample(samplers: Sequence[BatchSampler], objects: Floats, rng: np.random.Generator) -> Floats | None:
    """One of the random windows that the samplers find in an image; None where they find none.

    A sampler with ``use_original_image: false`` has nothing to sample from, in the fork as here.
    """
    boxes = objects[:, BOX]
    found = [window for sampler in samplers for window in _windows(sampler, boxes, rng)]
    return found[rng.integers(len(found))] if found else None


def _windows(sampler: BatchSampler, boxes: Floats, rng: np.random.Generator) -> Iterator[Floats]:
    most = sampler.max_sample if sampler.HasField("max_sample") else sampler.max_trials
    found = 0
    for _ in range(sampler.max_trials if sampler.use_original_image else 0):
        if found >= most:
            return
        window = _draw(sampler.sampler, rng)
        if _satisfies(window, boxes, sampler.sample_constraint):
            found += 1
            yield window


def _draw(sampler: Sampler, rng: np.random.Generator) -> Floats:
    """A window of a random size, shape and place in the image."""
    scale = rng.uniform(sampler.min_scale, sampler.max_scale)
    # Of any other shape, a window of this size would be longer than the image.
    low, high = max(sampler.min_aspect_ratio, scale**2), min(sampler.max_aspect_ratio, scale**-2)
    aspect = np.clip(rng.uniform(min(low, high), high), scale**2, scale**-2)
    width, height = min(1, scale * aspect**0.5), min(1, scale / aspect**0.5)
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return np.asarray([left, top, left + width, top + height], np.float32)


def _satisfies(window: Floats, boxes: Floats, constraint: SampleConstraint) -> bool:
    """Whether there is an object with which the window has all to do that is asked for."""
    names = {field.name for field, _ in constraint.ListFields()}
    if not names:
        return True
    shared, area = _shared(boxes, window), np.full(len(boxes), _areas(window), np.float32)
    values = {
        "jaccard_overlap": _ratio(shared, area + _areas(boxes) - shared),
        "sample_coverage": _ratio(shared, area),
        "object_coverage": _ratio(shared, _areas(boxes)),
    }
    fits = np.ones(len(boxes), bool)
    for kind, value in values.items():
        if f"min_{kind}" in names:
            fits &= value >= np.float32(getattr(constraint, f"min_{kind}"))
        if f"max_{kind}" in names:
            fits &= value <= np.float32(getattr(constraint, f"max_{kind}"))
    return bool(fits.any())
