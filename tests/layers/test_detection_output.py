import numpy as np
import pytest
import torch

N, P, C = 2, 30, 3


def _text(param="", nms="", classes=C):
    return (
        f'type: "DetectionOutput" detection_output_param {{ num_classes: {classes} {param}'
        f" nms_param {{ {nms} }} }}"
    )


def _overlap(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = sum(max(x2 - x1, 0) * max(y2 - y1, 0) for x1, y1, x2, y2 in (a, b))
    return width * height / (both - width * height)


def _reference(boxes, scores, least=-np.inf, threshold=0.3, eta=1.0, top=None, keep=None, background=0):
    """Rows for boxes (N, P, sets, 4), decoded, and scores (N, P, classes)."""
    rows = []
    for item in range(len(scores)):
        found = []
        for label in range(scores.shape[2]):
            if label == background:
                continue
            mine, values = boxes[item, :, label if boxes.shape[2] > 1 else 0], scores[item, :, label]
            order = [i for i in np.argsort(-values, kind="stable") if values[i] > least][:top]
            kept, limit = [], threshold
            for i in order:
                if all(_overlap(mine[i], mine[k]) <= limit for k in kept):
                    kept.append(i)
                    limit *= eta if eta < 1 and limit > 0.5 else 1
            found += [(item, label, values[i], *mine[i]) for i in kept]
        if keep is not None and len(found) > keep:
            best = sorted(found, key=lambda row: -row[2])[:keep]
            found = [row for row in found if row in best]
        rows += found
    return np.array(rows)


def _bottoms(rng, sets=1, classes=C):
    """Priors with variances of 1 and offsets of their corners, so that boxes are their sums."""
    starts = rng.uniform(0, 0.6, (P, 2))
    priors = np.concatenate([starts, starts + rng.uniform(0.2, 0.5, (P, 2))], 1)
    offsets = rng.normal(0, 0.05, (N, P, sets, 4))
    scores = rng.dirichlet(np.ones(classes), (N, P))
    flat = [
        offsets.reshape(N, -1),
        scores.reshape(N, -1),
        np.stack([priors, np.ones((P, 4))]).reshape(1, 2, -1),
    ]
    return [torch.from_numpy(array) for array in flat], priors[:, None] + offsets, scores


_CASES = [
    ("", "", {}),
    ("confidence_threshold: 0.4", "nms_threshold: 0.5", {"least": 0.4, "threshold": 0.5}),
    ("", "top_k: 7", {"top": 7}),
    ("", "top_k: -1", {}),
    ("keep_top_k: 8", "", {"keep": 8}),
    ("keep_top_k: 500", "", {"keep": 500}),
    ("keep_top_k: 5 confidence_threshold: 0.2", "top_k: 9", {"keep": 5, "least": 0.2, "top": 9}),
    ("", "nms_threshold: 0.8 eta: 0.9", {"threshold": 0.8, "eta": 0.9}),
    ("", "nms_threshold: 0", {"threshold": 0.0}),
    ("background_label_id: 1", "", {"background": 1}),
    ("background_label_id: -1", "", {"background": -1}),
]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("param", "nms", "reference"), _CASES, ids=lambda value: str(value))
def test_values(build, rng, param, nms, reference, shared):
    bottoms, boxes, scores = _bottoms(rng, 1 if shared else C)
    param += "" if shared else " share_location: false"
    layer = build(_text(param, nms), *(bottom.shape for bottom in bottoms))
    top = layer(*bottoms)
    assert layer.shapes == [(1, 1, 1, 7)]
    np.testing.assert_allclose(top[0, 0], _reference(boxes, scores, **reference), rtol=1e-6)


@pytest.mark.parametrize("plain", [True, False])
def test_variances(build, rng, plain):
    (loc, conf, priors), boxes, scores = _bottoms(rng)
    priors[0, 1] = 0.5
    layer = build(
        _text(f"variance_encoded_in_target: {str(plain).lower()}"), loc.shape, conf.shape, priors.shape
    )
    expected = _reference(boxes, scores)
    np.testing.assert_allclose(layer(loc if plain else 2 * loc, conf, priors)[0, 0], expected, rtol=1e-6)


def test_code_type(build, rng):
    """CENTER_SIZE with nothing but a shift of the centre and a doubled size."""
    (_, conf, priors), _, scores = _bottoms(rng)
    loc = torch.tensor([0.5, 0, np.log(2), np.log(2)], dtype=torch.float64).repeat(N, P)
    box = priors[0, 0].view(P, 4).numpy()
    width, height = (box[:, 2:] - box[:, :2]).T
    boxes = np.stack([box[:, 0], box[:, 1] - height / 2, box[:, 2] + width, box[:, 3] + height / 2], 1)
    layer = build(_text("code_type: CENTER_SIZE"), loc.shape, conf.shape, priors.shape)
    expected = _reference(np.broadcast_to(boxes[None, :, None], (N, P, 1, 4)), scores)
    np.testing.assert_allclose(layer(loc, conf, priors)[0, 0], expected, rtol=1e-6)


def test_nothing_is_found(build, rng):
    bottoms, _, _ = _bottoms(rng)
    layer = build(_text("confidence_threshold: 2"), *(bottom.shape for bottom in bottoms))
    assert layer(*bottoms).tolist() == [[[[item, *[-1] * 6] for item in range(N)]]]
    layer = build(_text("keep_top_k: 0"), *(bottom.shape for bottom in bottoms))
    assert layer(*bottoms).shape == (1, 1, N, 7)


def test_the_background_alone(build, rng):
    bottoms, _, _ = _bottoms(rng, classes=1)
    layer = build(_text(classes=1), *(bottom.shape for bottom in bottoms))
    assert layer(*bottoms).shape == (1, 1, N, 7)


def test_no_gradient_and_another_batch(build, rng):
    (loc, conf, priors), boxes, scores = _bottoms(rng)
    layer = build(_text(), loc.shape, conf.shape, priors.shape, (N, 3, 8, 8))
    top = layer(loc[:1].requires_grad_(), conf[:1].requires_grad_(), priors, torch.empty(1, 3, 8, 8))
    assert not top.requires_grad
    np.testing.assert_allclose(top[0, 0], _reference(boxes[:1], scores[:1]), rtol=1e-6)


def _saving(folder, format="VOC", more=""):
    names = f'label_map_file: "{folder}/labels" name_size_file: "{folder}/sizes"'
    target = f'output_directory: "{folder}" output_name_prefix: "x_" output_format: "{format}"'
    return f"save_output_param {{ {target} {names} {more} }}"


def _write_lists(folder):
    (folder / "labels").write_text("".join(f'item {{ name: "c{i}" label: {i} }}' for i in range(C)))
    (folder / "sizes").write_text("a 100 100\nb 100 100\nc 100 100\n")


def test_saving(build, rng, tmp_path):
    bottoms, boxes, scores = _bottoms(rng)
    layer = build(_text(_saving(tmp_path, more="num_test_image: 2")), *(b.shape for b in bottoms))
    _write_lists(tmp_path)
    layer(*bottoms)
    rows = _reference(boxes, scores)
    for label in (1, 2):
        lines = (tmp_path / f"x_c{label}.txt").read_text().splitlines()
        mine = rows[rows[:, 1] == label]
        assert [line.split()[:2] for line in lines] == [["ab"[int(row[0])], f"{row[2]:g}"] for row in mine]
    assert not (tmp_path / "x_c0.txt").exists()


def test_too_many_images_to_save(build, rng, tmp_path):
    bottoms, _, _ = _bottoms(rng)
    layer = build(_text(_saving(tmp_path, more="num_test_image: 4")), *(b.shape for b in bottoms))
    _write_lists(tmp_path)
    with pytest.raises(Exception, match="3 images are listed, not 4"):
        layer(*bottoms)


_SHAPES = [(N, P * 4), (N, P * C), (1, 2, P * 4)]


def test_mistakes(rejects, tmp_path):
    rejects("num_classes must be given", "0", _text(classes=0), *_SHAPES)
    rejects("visualize would show a window", "true", _text("visualize: true"), *_SHAPES)
    rejects("nms_threshold must not be negative", "-1", _text(nms="nms_threshold: -1"), *_SHAPES)
    rejects("eta must be above 0", "2", _text(nms="eta: 2"), *_SHAPES)
    rejects("one of VOC, COCO, ILSVRC", '"PASCAL"', _text(_saving(tmp_path, "PASCAL")), *_SHAPES)
    rejects("30 priors need 30 x 12 = 360 numbers", '"b0"', _text("share_location: false"), *_SHAPES)
    rejects("priors must be 1x2x4P", '"b2"', _text(), *_SHAPES[:2], (2, P * 4))
    rejects("takes 3 to 4 bottoms, not 2", "layer", _text(), *_SHAPES[:2])
