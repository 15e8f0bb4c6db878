import numpy as np
import pytest

from netspec.data.objects import BOX, NO_OBJECTS, WHOLE, cut, mirrored, sample
from netspec.schema.messages import BatchSampler, EmitConstraint, SampleConstraint, Sampler


def _objects(*boxes):
    """Objects of the classes 1, 2, .. in these boxes; the last is difficult."""
    rows = [(label, 10 * label, *box, label == len(boxes)) for label, box in enumerate(boxes, 1)]
    return np.asarray(rows, np.float32)


def test_boxes_become_shares_of_the_window():
    found = cut(_objects((0.3, 0.4, 0.5, 0.6)), np.float32([0.2, 0.2, 0.6, 1]), None)
    np.testing.assert_allclose(found, [[1, 10, 0.25, 0.25, 0.75, 0.5, 1]], rtol=1e-6)


def test_a_window_may_be_larger_than_the_image():
    found = cut(_objects((0, 0, 1, 1)), np.float32([-1, -0.5, 3, 1.5]), None)
    np.testing.assert_allclose(found[:, BOX], [[0.25, 0.25, 0.5, 0.75]])


def test_boxes_are_cut_off_and_those_outside_are_dropped():
    given = _objects((-0.2, 0.1, 0.6, 1.4), (0.5, 0, 0.9, 0.2), (0.1, 0.1, 0.2, 0.2), (0.3, 0.3, 0.3, 0.4))
    found = cut(given, np.float32([0, 0, 0.5, 1]), None)
    assert found[:, 0].tolist() == [1, 3]  # the second touches, the fourth has no area
    np.testing.assert_allclose(found[0, BOX], [0, 0.1, 1, 1])
    assert len(cut(NO_OBJECTS, WHOLE, None)) == 0


def test_emitted_by_the_centre():
    given = _objects((0.3, 0, 0.6, 1), (0.4, 0, 0.7, 1), (0.3, 0, 0.7, 1))
    found = cut(given, np.float32([0, 0, 0.5, 1]), EmitConstraint(emit_type=EmitConstraint.CENTER))
    assert found[:, 0].tolist() == [1, 3]


def test_emitted_by_overlap():
    given = _objects((0.25, 0, 0.75, 1), (0.4, 0, 0.8, 1))
    for least, labels in ((0.4, [1]), (0.2, [1, 2]), (0.5, [])):
        constraint = EmitConstraint(emit_type=EmitConstraint.MIN_OVERLAP, emit_overlap=least)
        assert cut(given, np.float32([0, 0, 0.5, 1]), constraint)[:, 0].tolist() == labels


def test_mirrored():
    given = _objects((0.1, 0.2, 0.4, 0.8))
    np.testing.assert_allclose(mirrored(given)[0, BOX], [0.6, 0.2, 0.9, 0.8], rtol=1e-6)
    np.testing.assert_allclose(mirrored(mirrored(given)), given, rtol=1e-6)


def _windows(count=200, objects=NO_OBJECTS, **fields):
    sampler = BatchSampler(**fields)
    drawn = [sample([sampler], objects, np.random.default_rng(seed)) for seed in range(count)]
    return [window for window in drawn if window is not None]


def test_windows_are_of_the_scale_and_shape_asked_for():
    shape = Sampler(min_scale=0.3, max_scale=0.9, min_aspect_ratio=0.5, max_aspect_ratio=2)
    windows = np.stack(_windows(sampler=shape, max_sample=1))
    assert len(windows) == 200
    assert (windows >= 0).all()
    assert (windows <= 1 + 1e-6).all()
    width, height = (windows[:, 2:] - windows[:, :2]).T
    assert 0.29 < np.sqrt(width * height).min() < 0.35
    assert 0.85 < np.sqrt(width * height).max() < 0.91
    assert 0.49 < (width / height).min() < 0.6
    assert 1.6 < (width / height).max() < 2.01


def test_without_bounds_the_window_is_the_image():
    assert np.array_equal(_windows(1)[0], WHOLE)


def _jaccard(window, box):
    low, high = np.maximum(window[:2], box[:2]), np.minimum(window[2:], box[2:])
    shared = (high - low).clip(min=0).prod()
    return shared / ((window[2:] - window[:2]).prod() + (box[2:] - box[:2]).prod() - shared)


@pytest.mark.parametrize("kind", ["jaccard_overlap", "sample_coverage", "object_coverage"])
@pytest.mark.parametrize("side", ["min", "max"])
def test_windows_fulfil_their_constraint(kind, side):
    objects = _objects((0.2, 0.2, 0.6, 0.7))
    box = objects[0, BOX]
    windows = _windows(
        objects=objects,
        sampler=Sampler(min_scale=0.2, max_scale=1, min_aspect_ratio=0.5, max_aspect_ratio=2),
        sample_constraint=SampleConstraint(**{f"{side}_{kind}": 0.4}),
        max_sample=1,
    )
    assert len(windows) > 100
    values = []
    for window in windows:
        low, high = np.maximum(window[:2], box[:2]), np.minimum(window[2:], box[2:])
        shared = (high - low).clip(min=0).prod()
        areas = {"sample_coverage": (window[2:] - window[:2]).prod(), "object_coverage": 0.4 * 0.5}
        values.append(_jaccard(window, box) if kind == "jaccard_overlap" else shared / areas[kind])
    assert min(values) >= 0.4 - 1e-6 if side == "min" else max(values) <= 0.4 + 1e-6


def test_one_object_must_fulfil_all():
    small, large = (0, 0, 0.1, 0.1), (0, 0, 1, 1)
    both = SampleConstraint(min_jaccard_overlap=0.9, min_sample_coverage=0.9)
    assert _windows(1, _objects(small, large), sample_constraint=both, max_trials=1)
    never = SampleConstraint(min_jaccard_overlap=0.9, max_object_coverage=0.5)
    assert not _windows(5, _objects(small, large), sample_constraint=never)


def test_no_windows():
    constraint = SampleConstraint(min_jaccard_overlap=0.1)
    assert not _windows(5, NO_OBJECTS, sample_constraint=constraint)
    assert not _windows(5, use_original_image=False)
    assert sample([], NO_OBJECTS, np.random.default_rng(0)) is None


def test_any_sampler_may_have_its_way():
    small = BatchSampler(sampler=Sampler(min_scale=0.5, max_scale=0.5), max_sample=1)
    samplers = [BatchSampler(max_sample=1), small]
    drawn = [sample(samplers, NO_OBJECTS, np.random.default_rng(seed)) for seed in range(40)]
    whole = sum(np.array_equal(window, WHOLE) for window in drawn)
    assert 5 < whole < 35
