from dataclasses import dataclass

import numpy as np
import pytest
import torch

N, P, C = 3, 12, 3

# name: (text, ...); what is not named has the fork's default.
_DEFAULTS = {
    "loc_loss_type": "SMOOTH_L1",
    "conf_loss_type": "SOFTMAX",
    "loc_weight": 1.0,
    "num_classes": C,
    "share_location": True,
    "match_type": "PER_PREDICTION",
    "overlap_threshold": 0.5,
    "use_prior_for_matching": True,
    "background_label_id": 0,
    "use_difficult_gt": True,
    "neg_pos_ratio": 3.0,
    "neg_overlap": 0.5,
    "code_type": "CORNER",
    "encode_variance_in_target": False,
    "map_object_to_agnostic": False,
    "ignore_cross_boundary_bbox": False,
    "bp_inside": False,
    "mining_type": "MAX_NEGATIVE",
    "sample_size": 64,
    "use_prior_for_nms": False,
    "ignore_difficult_gt": False,
}


def _text(param, loss=""):
    def show(value):
        return str(value).lower() if isinstance(value, bool) else value

    fields = {"num_classes": C, **param}
    shown = " ".join(f"{key}: {show(value)}" for key, value in fields.items() if key != "nms_param")
    if "nms_param" in fields:
        shown += f" nms_param {{ {fields['nms_param']} }}"
    return f'type: "MultiBoxLoss" multibox_loss_param {{ {shown} }} {loss}'


@dataclass
class _Scene:
    """Bottoms as plain arrays: offsets (N, P, sets, 4), scores (N, P, classes), priors and objects."""

    loc: np.ndarray
    conf: np.ndarray
    priors: np.ndarray
    variances: np.ndarray
    objects: np.ndarray

    def bottoms(self):
        priors = np.stack([self.priors, self.variances]).reshape(1, 2, -1)
        flat = self.loc.reshape(N, -1), self.conf.reshape(N, -1), priors, self.objects[None, None]
        return [torch.from_numpy(array.copy()) for array in flat]


def _boxes(rng, count, low=-0.15, high=1.15):
    starts = rng.uniform(low, 0.6, (count, 2))
    return np.concatenate([starts, starts + rng.uniform(0.2, high - 0.6, (count, 2))], 1)


def _scene(rng, classes=C, sets=1):
    """Objects in the first and the last item, more than one each, and a row that is none."""
    priors = _boxes(rng, P)
    objects = np.zeros((7, 8))
    objects[:, 0] = [0, 0, 0, -1, 2, 2, 2]
    objects[:, 1] = rng.integers(1, max(classes, 2), 7)
    # Near a prior, so that most objects have a good match.
    near = priors[rng.integers(P, size=7)]
    objects[:, 3:7] = near + rng.uniform(-0.06, 0.06, (7, 4))
    objects[[1, 5], 7] = 1
    return _Scene(
        rng.standard_normal((N, P, sets, 4)) * 0.7,
        rng.standard_normal((N, P, classes)),
        priors,
        rng.uniform(0.1, 0.3, (P, 4)),
        objects,
    )


def _overlap(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = sum(max(x2 - x1, 0) * max(y2 - y1, 0) for x1, y1, x2, y2 in (a, b))
    return width * height / (both - width * height)


def _shape(box):
    x1, y1, x2, y2 = box
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def _encode(prior, variance, box, p):
    x, y, w, h = _shape(prior)
    if p["code_type"] == "CENTER_SIZE":
        bx, by, bw, bh = _shape(box)
        code = np.array([(bx - x) / w, (by - y) / h, np.log(bw / w), np.log(bh / h)])
    else:
        code = (np.array(box) - prior) / ([w, h, w, h] if p["code_type"] == "CORNER_SIZE" else 1)
    return code if p["encode_variance_in_target"] else code / variance


def _decode(prior, variance, code, p):
    x, y, w, h = _shape(prior)
    code = code if p["encode_variance_in_target"] else code * variance
    if p["code_type"] == "CENTER_SIZE":
        x, y, w, h = x + code[0] * w, y + code[1] * h, w * np.exp(code[2]), h * np.exp(code[3])
        return np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return prior + code * ([w, h, w, h] if p["code_type"] == "CORNER_SIZE" else 1)


def _crosses(box):
    return min(box) < 0 or max(box) > 1


def _matching(boxes, objects, p):
    """{prior: object, or -1, or -2}, and each prior's largest overlap."""
    table, found, largest = {}, [-1] * P, [0.0] * P
    for i, box in enumerate(boxes):
        if p["ignore_cross_boundary_bbox"] and _crosses(box):
            found[i] = -2
            continue
        for j, row in objects:
            overlap = _overlap(box, row[3:7])
            if overlap > 1e-6:
                table[i, j] = overlap
                largest[i] = max(largest[i], overlap)
    rows = dict(objects)
    pool = set(rows)
    while True:
        free = {pair: value for pair, value in table.items() if found[pair[0]] == -1 and pair[1] in pool}
        if not free:
            break
        i, j = max(free, key=free.get)
        if p["ignore_difficult_gt"] and rows[j][7]:
            found[i] = -2
        else:
            found[i] = j
            pool.remove(j)
    if p["match_type"] == "PER_PREDICTION":
        for i in range(P):
            mine = {j: value for (k, j), value in table.items() if k == i}
            if found[i] == -1 and mine and max(mine.values()) >= p["overlap_threshold"]:
                found[i] = max(mine, key=mine.get)
    return found, largest


def _loc_loss(scene, p, n, i, c, j):
    prior, variance, pred = scene.priors[i], scene.variances[i], scene.loc[n, i, c]
    difference = pred - _encode(prior, variance, scene.objects[j, 3:7], p)
    if p["bp_inside"]:
        box = prior if p["use_prior_for_matching"] else _decode(prior, variance, pred, p)
        difference = np.where((box < 0) | (box > 1), 0, difference)
    if p["encode_variance_in_target"]:
        difference = difference / variance
    if p["loc_loss_type"] == "L2":
        return (difference**2).sum() / 2
    size = np.abs(difference)
    return np.where(size < 1, size**2 / 2, size - 0.5).sum()


def _softmax_loss(scores, label):
    return np.log(np.exp(scores).sum()) - scores[label]


def _logistic_loss(scores, targets):
    return (np.log1p(np.exp(scores)) - scores * targets).sum()


def _mine(scene, p, n, found, largest, label):
    """Which priors are mined, and which lose their object."""

    def loss(i):
        if p["conf_loss_type"] == "SOFTMAX":
            value = _softmax_loss(scene.conf[n, i], label(found[i]))
        else:
            value = _logistic_loss(scene.conf[n, i], np.eye(p["num_classes"])[label(found[i])])
        if p["mining_type"] == "HARD_EXAMPLE" and found[i] >= 0:
            value += _loc_loss(scene, p, n, i, 0, found[i])
        return value

    if p["mining_type"] == "HARD_EXAMPLE":
        candidates, limit = list(range(P)), p["sample_size"]
    else:
        candidates = [i for i in range(P) if found[i] == -1 and largest[i] < p["neg_overlap"]]
        limit = int(sum(j >= 0 for j in found) * p["neg_pos_ratio"])
    candidates.sort(key=loss, reverse=True)
    if "nms_param" in p:
        fields = dict(zip(*[iter(p["nms_param"].split())] * 2, strict=True))
        top, threshold = int(fields.get("top_k:", 0)), float(fields["nms_threshold:"])
        boxes = [
            scene.priors[i]
            if p["use_prior_for_nms"]
            else _decode(scene.priors[i], scene.variances[i], scene.loc[n, i, 0], p)
            for i in range(P)
        ]
        kept = []
        for i in candidates[: top if top >= 0 else None]:
            width, height = boxes[i][2:] - boxes[i][:2]
            large = width > 0 and height > 0 and width * height >= 1e-5
            if large and all(_overlap(boxes[i], boxes[k]) <= threshold for k in kept):
                kept.append(i)
        candidates = kept
    picked = set(candidates[:limit])
    return [i for i in range(P) if found[i] == -1 and i in picked], picked


def _reference(scene, param, mode="VALID"):
    p = {**_DEFAULTS, **param}
    background, classes = p["background_label_id"], p["num_classes"]
    sets = 1 if p["share_location"] else classes
    matches, negatives, positives, loc = {}, {}, 0, 0.0

    def label(j):
        if j < 0:
            return background
        return background + 1 if p["map_object_to_agnostic"] else int(scene.objects[j, 1])

    for n in range(N):
        rows = [(j, row) for j, row in enumerate(scene.objects) if row[0] == n]
        rows = [(j, row) for j, row in rows if p["use_difficult_gt"] or not row[7]]
        if not rows:
            continue
        for c in range(sets):
            if sets > 1 and c == background:
                continue
            if p["use_prior_for_matching"]:
                found, largest = _matching(scene.priors, rows, p)
                if sets > 1:
                    found = [j if j >= 0 and scene.objects[j, 1] == c else -1 for j in found]
            else:
                mine = [pair for pair in rows if sets == 1 or pair[1][1] == c]
                boxes = [
                    _decode(*triple, p)
                    for triple in zip(scene.priors, scene.variances, scene.loc[n, :, c], strict=True)
                ]
                found, largest = _matching(boxes, mine, p)
            if p["mining_type"] != "NONE":
                negatives[n], picked = _mine(scene, p, n, found, largest, label)
                if p["mining_type"] == "HARD_EXAMPLE":
                    found = [-1 if j >= 0 and i not in picked else j for i, j in enumerate(found)]
            matches[n, c] = found
            positives += sum(j >= 0 for j in found)
            loc += sum(_loc_loss(scene, p, n, i, c, j) for i, j in enumerate(found) if j >= 0)

    conf = _conf(scene, p, matches, negatives, label)
    divisor = {"VALID": max(positives, 1), "FULL": N * P, "BATCH_SIZE": N, "NONE": 1}[mode]
    return (p["loc_weight"] * loc + conf) / divisor, positives


def _conf(scene, p, matches, negatives, label):
    background, classes = p["background_label_id"], p["num_classes"]
    targets = np.full(N * P * classes, float(background))
    wanted = {}
    mining = p["mining_type"] != "NONE"
    for (n, _), found in matches.items():
        for i, j in enumerate(found):
            if j >= 0:
                wanted[n, i] = label(j)
                # Without mining the fork takes N P numbers for a row of N P classes.
                targets[(n * P * classes if mining else n * P) + i * classes + label(j)] = 1
        for i in negatives.get(n, ()):
            wanted[n, i] = background
            targets[(n * P + i) * classes + background] = 1
    targets = targets.reshape(N, P, classes)
    places = wanted if mining else [(n, i) for n in range(N) for i in range(P)]
    if p["conf_loss_type"] == "SOFTMAX":
        return sum(_softmax_loss(scene.conf[place], wanted.get(place, background)) for place in places)
    return sum(_logistic_loss(scene.conf[place], targets[place]) for place in places)


_CASES = [
    {},
    {"loc_loss_type": "L2", "loc_weight": 0.5},
    {"match_type": "BIPARTITE"},
    {"overlap_threshold": 0.3, "neg_overlap": 0.2, "neg_pos_ratio": 1.4},
    {"code_type": "CENTER_SIZE"},
    {"code_type": "CORNER_SIZE"},
    {"code_type": "CENTER_SIZE", "encode_variance_in_target": True},
    {"encode_variance_in_target": True, "use_prior_for_matching": False},
    {"code_type": "CENTER_SIZE", "use_prior_for_matching": False, "overlap_threshold": 0.2},
    {"use_difficult_gt": False},
    {"ignore_difficult_gt": True, "overlap_threshold": 0.2},
    {"ignore_cross_boundary_bbox": True},
    {"ignore_cross_boundary_bbox": True, "use_prior_for_matching": False, "mining_type": "HARD_EXAMPLE"},
    {"bp_inside": True},
    {"bp_inside": True, "use_prior_for_matching": False, "overlap_threshold": 0.2},
    {"mining_type": "NONE"},
    {"mining_type": "HARD_EXAMPLE", "sample_size": 5},
    {"mining_type": "HARD_EXAMPLE", "sample_size": 7, "conf_loss_type": "LOGISTIC"},
    {"nms_param": "nms_threshold: 0.3 top_k: 8"},
    {"nms_param": "nms_threshold: 0.3 top_k: -1", "use_prior_for_nms": True},
    {"nms_param": "nms_threshold: 0.3"},
    {"nms_param": "nms_threshold: 0.2 top_k: 9", "mining_type": "HARD_EXAMPLE", "sample_size": 6},
    {"conf_loss_type": "LOGISTIC"},
    {"conf_loss_type": "LOGISTIC", "background_label_id": 3},
    {"conf_loss_type": "LOGISTIC", "mining_type": "NONE"},
    {"share_location": False, "mining_type": "NONE"},
    {"share_location": False, "mining_type": "NONE", "conf_loss_type": "LOGISTIC"},
    {
        "share_location": False,
        "mining_type": "NONE",
        "use_prior_for_matching": False,
        "overlap_threshold": 0.1,
    },
    {"map_object_to_agnostic": True, "num_classes": 2},
]


@pytest.mark.parametrize("param", _CASES, ids=lambda param: " ".join(map(str, param.values())) or "default")
def test_values_and_gradient(build, rng, param):
    classes = param.get("num_classes", C)
    if param.get("background_label_id") == 3:
        param = {**param, "num_classes": (classes := 4)}
    for _ in range(3):
        scene = _scene(
            rng, classes if classes < 4 else 3, 1 if param.get("share_location", True) else classes
        )
        if classes == 4:
            scene.conf = rng.standard_normal((N, P, 4))
        bottoms = scene.bottoms()
        layer = build(_text(param), *(tuple(bottom.shape) for bottom in bottoms))
        expected, positives = _reference(scene, param)
        assert positives
        top = layer(*bottoms)
        assert layer.shapes == [tuple(top.shape)] == [()]
        np.testing.assert_allclose(top, expected, rtol=1e-10)
    # No prediction is matched or mined otherwise a step of the numeric gradient away.
    predictions = [bottom.requires_grad_() for bottom in bottoms[:2]]
    assert torch.autograd.gradcheck(lambda *given: layer(*given, *bottoms[2:]), predictions, fast_mode=True)


@pytest.mark.parametrize("mode", ["VALID", "FULL", "BATCH_SIZE", "NONE"])
def test_normalisation(build, rng, mode):
    scene = _scene(rng)
    bottoms = scene.bottoms()
    layer = build(_text({}, f"loss_param {{ normalization: {mode} }}"), *(b.shape for b in bottoms))
    np.testing.assert_allclose(layer(*bottoms), _reference(scene, {}, mode)[0], rtol=1e-10)


def test_propagate_down_tells_which_loss_counts(build, rng):
    bottoms = _scene(rng).bottoms()
    shapes = [b.shape for b in bottoms]
    both, loc, conf = (
        build(_text({}, " ".join(f"propagate_down: {flag}" for flag in flags)), *shapes)(*bottoms)
        for flags in ("1100", "1000", "0100")
    )
    torch.testing.assert_close(both, loc + conf)
    assert loc > 0
    assert conf > 0


def test_without_objects(build, rng):
    """Nothing counts, but for mining NONE: there all are to be background."""
    scene = _scene(rng)
    scene.objects[:, 0] = -1
    bottoms = scene.bottoms()
    shapes = [b.shape for b in bottoms]
    assert build(_text({}), *shapes)(*bottoms) == 0
    expected, _ = _reference(scene, {"mining_type": "NONE"})
    np.testing.assert_allclose(build(_text({"mining_type": "NONE"}), *shapes)(*bottoms), expected)
    bottoms[3] = torch.empty(1, 1, 0, 8)
    assert build(_text({}), *shapes)(*bottoms) == 0


def test_another_batch_and_number_of_objects(build, rng):
    scene = _scene(rng)
    loc, conf, priors, objects = scene.bottoms()
    layer = build(_text({}), *(b.shape for b in (loc, conf, priors, objects)))
    first = layer(loc[:1], conf[:1], priors, objects[:, :, :3])
    assert torch.equal(first, layer(loc[:1], conf[:1], priors, objects))


def test_a_box_without_an_area_does_not_spoil_the_gradient(build, rng):
    """Its logarithm is no number, but it has no prior."""
    loc, conf, priors, objects = _scene(rng).bottoms()
    objects[0, 0, 0, 3:7] = 0.5
    param = {"code_type": "CENTER_SIZE"}
    layer = build(_text(param), *(b.shape for b in (loc, conf, priors, objects)))
    layer(loc.requires_grad_(), conf, priors, objects).backward()
    assert loc.grad.isfinite().all()


_SHAPES = [(N, P * 4), (N, P * C), (1, 2, P * 4), (1, 1, 5, 8)]


@pytest.mark.parametrize(
    ("message", "marked", "param"),
    [
        ("num_classes must be given", "0", {"num_classes": 0}),
        ("contradicts mining_type", "false", {"do_neg_mining": False}),
        ("only mining_type NONE", "false", {"share_location": False}),
        ("sample_size must be at least 1", "0", {"mining_type": "HARD_EXAMPLE", "sample_size": 0}),
        ("leaves two classes", "3", {"map_object_to_agnostic": True}),
        ("one of the 3 classes", "3", {"background_label_id": 3}),
    ],
)
def test_parameters(rejects, message, marked, param):
    shapes = _SHAPES
    if not param.get("share_location", True):
        shapes = [(N, P * 4 * C), *_SHAPES[1:]]
    rejects(message, marked, _text(param), *shapes)


@pytest.mark.parametrize(
    ("message", "index", "shape"),
    [
        (r"12 priors need 12 x 4 = 48 numbers per item, not 40", 0, (N, 40)),
        (r"12 priors need 12 x 3 = 36 numbers per item, not 12", 1, (N, 12)),
        ("as many items", 1, (N + 1, P * C)),
        ("priors must be 1x2x4P", 2, (1, P * 8)),
        ("objects must be 1x1xGx8", 3, (1, 1, 5, 7)),
    ],
)
def test_bottoms(rejects, message, index, shape):
    shapes = list(_SHAPES)
    shapes[index] = shape
    rejects(message, f'"b{index}"', _text({}), *shapes)


def test_three_bottoms_are_too_few(rejects):
    rejects("takes 4 bottoms, not 3", "layer", _text({}), *_SHAPES[:3])
