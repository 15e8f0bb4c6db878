"""SSD-300: 8732 boxes at six scales, trained with MultiBoxLoss, read out by DetectionOutput."""

import torch

CLASSES = 21
PRIORS = 8732

# Blob, smallest and largest side of its boxes, their ratios beside 1, pixels of the image per place.
HEADS = [
    ("conv4_3_norm", 30, 60, (2,), 8),
    ("fc7", 60, 111, (2, 3), 16),
    ("conv6_2", 111, 162, (2, 3), 32),
    ("conv7_2", 162, 213, (2, 3), 64),
    ("conv8_2", 213, 264, (2,), 100),
    ("conv9_2", 264, 315, (2,), 300),
]


def flat(text, name, x):
    """The channels come last, so that a box's numbers lie together."""
    x = text.layer("Permute", f"{name}_perm", x, more="permute_param { order: 0 order: 2 order: 3 order: 1 }")
    return text.layer("Flatten", f"{name}_flat", x, more="flatten_param { axis: 1 }")


def head(text, blob, smallest, largest, ratios, step):
    boxes = 2 + 2 * len(ratios)
    loc = text.conv(f"{blob}_mbox_loc", blob, boxes * 4, 3, pad=1, relu=False)
    conf = text.conv(f"{blob}_mbox_conf", blob, boxes * CLASSES, 3, pad=1, relu=False)
    param = f"min_size: {smallest} max_size: {largest} {' '.join(f'aspect_ratio: {r}' for r in ratios)}"
    param += f" step: {step} variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2"
    more = f"prior_box_param {{ {param} }}"
    return (
        flat(text, loc, loc),
        flat(text, conf, conf),
        text.layer("PriorBox", f"{blob}_mbox_priorbox", [blob, "data"], more=more),
    )


def ssd300(text, width=64, objects=6):
    x = text.inputs(data=(1, 3, 300, 300))
    param = f"input_param {{ shape {{ dim: 1 dim: 1 dim: {objects} dim: 8 }} }} include {{ phase: TRAIN }}"
    text.layer("Input", "objects", more=param)
    x = text.vgg(x, [width * k for k in (1, 2, 4, 8, 8)], pools=4)
    scale = 'across_spatial: false channel_shared: false scale_filler { type: "constant" value: 20 }'
    text.layer("Normalize", "conv4_3_norm", "conv4_3", more=f"norm_param {{ {scale} }}")
    x = text.pool("pool5", x, 3, 1, pad=1)
    x = text.conv("fc6", x, 16 * width, 3, pad=6, more="dilation: 6")
    x = text.conv("fc7", x, 16 * width, 1)
    for i, (narrow, wide, stride, pad) in enumerate(
        [(4, 8, 2, 1), (2, 4, 2, 1), (2, 4, 1, 0), (2, 4, 1, 0)], 6
    ):
        x = text.conv(f"conv{i}_1", x, narrow * width, 1)
        x = text.conv(f"conv{i}_2", x, wide * width, 3, stride, pad)
    parts = zip(*(head(text, *row) for row in HEADS), strict=True)
    loc, conf, priors = (
        text.layer("Concat", f"mbox_{name}", blobs, more=f"concat_param {{ axis: {axis} }}")
        for name, blobs, axis in zip(("loc", "conf", "priorbox"), parts, (1, 1, 2), strict=True)
    )
    code = f"num_classes: {CLASSES} share_location: true code_type: CENTER_SIZE"
    text.layer("MultiBoxLoss", "mbox_loss", [loc, conf, priors, "objects"], more=(
        f"include {{ phase: TRAIN }} multibox_loss_param {{ {code} match_type: PER_PREDICTION "
        "overlap_threshold: 0.5 neg_pos_ratio: 3 neg_overlap: 0.5 } loss_param { normalization: VALID }"
    ))  # fmt: skip
    test = "include { phase: TEST }"
    shape = f"reshape_param {{ shape {{ dim: 0 dim: -1 dim: {CLASSES} }} }}"
    x = text.layer("Reshape", "mbox_conf_reshape", conf, more=f"{test} {shape}")
    x = text.layer("Softmax", "mbox_conf_softmax", x, more=f"{test} softmax_param {{ axis: 2 }}")
    x = text.layer("Flatten", "mbox_conf_flatten", x, more=f"{test} flatten_param {{ axis: 1 }}")
    text.layer("DetectionOutput", "detections", [loc, x, priors], more=(
        f"{test} detection_output_param {{ {code} nms_param {{ nms_threshold: 0.45 top_k: 400 }} "
        "keep_top_k: 200 confidence_threshold: 0.01 }"
    ))  # fmt: skip
    return text


def test_shapes(write, shapes_of):
    blobs, count = shapes_of(ssd300(write()))
    assert [blobs[row[0]][1:] for row in HEADS] == [
        (512, 38, 38),
        (1024, 19, 19),
        (512, 10, 10),
        (256, 5, 5),
        (256, 3, 3),
        (256, 1, 1),
    ]
    assert blobs["mbox_loc"] == (1, 4 * PRIORS)
    assert blobs["mbox_conf"] == (1, CLASSES * PRIORS)
    assert blobs["mbox_priorbox"] == (1, 2, 4 * PRIORS)
    assert count == 26_285_486


def test_training(write, train):
    # One object for the boxes of each scale, all around the centre.
    sides = torch.tensor([0.12, 0.25, 0.45, 0.6, 0.78, 0.95])
    objects = torch.zeros(1, 1, 6, 8)
    objects[0, 0, :, 1] = torch.arange(1, 7)
    objects[0, 0, :, 3:5] = 0.5 - sides[:, None] / 2
    objects[0, 0, :, 5:7] = 0.5 + sides[:, None] / 2
    _, out = train(ssd300(write(), width=8), objects=objects)
    assert out["mbox_loss"].item() > 0


def test_detection(write, compile_text):
    net = compile_text(str(ssd300(write(), width=8)), phase="TEST", seed=1)
    assert net.inputs == ["data"]
    assert net.blobs["mbox_conf_reshape"] == (1, PRIORS, CLASSES)
    with torch.no_grad():
        found = net(data=torch.randn(1, 3, 300, 300))["detections"]
    assert found.shape[:2] == (1, 1)
    assert found.shape[3] == 7
    assert 1 <= found.shape[2] <= 200
    scores = found[0, 0, :, 2]
    assert ((scores > 0.01) & (scores <= 1)).all()
    assert found[0, 0, :, 1].long().unique().min() >= 1
