"""Faster R-CNN: its regions come from layers written in Python, and their number changes at each pass."""

import pytest
import torch

CLASSES, ANCHORS, STRIDE = 21, 9, 16
HEIGHT, WIDTH = 96, 128

# What the original's layers do with boxes is put in simple terms here: the same bottoms, tops and shapes.
LAYERS = '''
import json

import caffe
import numpy as np


class NoGradient(caffe.Layer):
    def setup(self, bottom, top):
        self.arguments = json.loads(self.param_str)
        for blob, shape in zip(top, self.first_shapes(bottom)):
            blob.reshape(*shape)

    def reshape(self, bottom, top):
        pass

    def backward(self, top, propagate_down, bottom):
        pass


class Images(NoGradient):
    """No bottoms: an image, its height, width and scale, and its objects (x1, y1, x2, y2, class)."""

    def first_shapes(self, bottom):
        return (1, 3, self.arguments["height"], self.arguments["width"]), (1, 3), (1, 5)

    def forward(self, bottom, top):
        height, width = self.arguments["height"], self.arguments["width"]
        top[0].data[...] = np.random.default_rng(0).normal(size=top[0].shape)
        top[1].data[...] = height, width, 1
        top[2].reshape(2, 5)
        top[2].data[...] = (8, 8, 60, 60, 3), (50, 20, width - 1, height - 1, 7)


class AnchorTargets(NoGradient):
    """The labels of the anchors: at the objects' centres 1, on the border 0, elsewhere -1."""

    def first_shapes(self, bottom):
        anchors, (height, width) = bottom[0].channels // 2, bottom[0].shape[2:]
        return (1, 1, anchors * height, width), *[(1, 4 * anchors, height, width)] * 3

    def forward(self, bottom, top):
        anchors, (height, width) = bottom[0].channels // 2, bottom[0].shape[2:]
        labels = np.full((anchors, height, width), -1)
        labels[:, 0] = labels[:, -1] = 0
        top[1].data[...], top[2].data[...], top[3].data[...] = 0.5, 0, 0
        for x1, y1, x2, y2, _ in bottom[1].data:
            row, column = (int((a + b) / 2 / self.arguments["stride"]) for a, b in ((y1, y2), (x1, x2)))
            labels[:, row, column] = 1
            top[2].data[:, :, row, column] = top[3].data[:, :, row, column] = 1
        top[0].data[...] = labels.reshape(top[0].shape)


class Proposals(NoGradient):
    """Boxes of two cells by two at the places of the best scores; one item more at each pass."""

    def first_shapes(self, bottom):
        self.count = 5
        return [(1, 5)]

    def forward(self, bottom, top):
        self.count += 1
        stride, width = self.arguments["stride"], bottom[0].width
        score = bottom[0].data[0, bottom[0].channels // 2 :].max(axis=0)
        row, column = np.divmod(np.argsort(score.ravel())[::-1][: self.count], width)
        y, x = row * stride, column * stride
        top[0].reshape(self.count, 5)
        top[0].data[...] = np.stack([0 * x, x, y, x + 2 * stride - 1, y + 2 * stride - 1], axis=1)


class ProposalTargets(NoGradient):
    """The objects join the proposals; these have class 0 and no targets."""

    def first_shapes(self, bottom):
        classes = self.arguments["classes"]
        return (1, 5), (1, 1), (1, 4 * classes), (1, 4 * classes), (1, 4 * classes)

    def forward(self, bottom, top):
        regions, objects = bottom[0].data, bottom[1].data
        count = len(regions) + len(objects)
        for blob in top:
            blob.reshape(count, *blob.shape[1:])
            blob.data[...] = 0
        top[0].data[: len(regions)] = regions
        top[0].data[len(regions) :, 1:] = objects[:, :4]
        top[1].data[len(regions) :] = objects[:, 4:]
        for row, label in enumerate(objects[:, 4].astype(int), len(regions)):
            for blob in top[2:]:
                blob.data[row, 4 * label : 4 * label + 4] = 1
'''


def python(text, cls, bottoms, tops, arguments):
    param = f'module: "regions" layer: "{cls}" param_str: \'{arguments}\''
    return text.layer("Python", cls, bottoms, tops, more=f"python_param {{ {param} }}")


def faster_rcnn(text, height, width, widths=(64, 128, 256, 512, 512), full=4096):
    size = f'{{"height": {height}, "width": {width}}}'
    x = python(text, "Images", [], "data im_info gt_boxes", size)
    features = text.vgg(x, widths, pools=4)
    x = text.conv("rpn/3x3", features, 512, 3, pad=1)
    scores = text.conv("rpn_cls_score", x, 2 * ANCHORS, 1, relu=False)
    offsets = text.conv("rpn_bbox_pred", x, 4 * ANCHORS, 1, relu=False)
    two = "reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } }"
    pairs = text.layer("Reshape", "rpn_cls_score_reshape", scores, more=two)
    stride = f'{{"stride": {STRIDE}}}'
    tops = [f"rpn_{name}" for name in ("labels", "bbox_targets", "inside_weights", "outside_weights")]
    python(text, "AnchorTargets", [scores, "gt_boxes", "im_info", "data"], " ".join(tops), stride)
    ignore = "loss_weight: 1 propagate_down: true propagate_down: false"
    ignore += " loss_param { ignore_label: -1 normalize: true }"
    text.layer("SoftmaxWithLoss", "rpn_loss_cls", [pairs, tops[0]], more=ignore)
    smooth = "loss_weight: 1 smooth_l1_loss_param { sigma: 3 }"
    text.layer("SmoothL1Loss", "rpn_loss_bbox", [offsets, *tops[1:]], more=smooth)
    probable = text.layer("Softmax", "rpn_cls_prob", pairs)
    all_anchors = f"reshape_param {{ shape {{ dim: 0 dim: {2 * ANCHORS} dim: -1 dim: 0 }} }}"
    probable = text.layer("Reshape", "rpn_cls_prob_reshape", probable, more=all_anchors)
    rois = python(text, "Proposals", [probable, offsets, "im_info"], "rpn_rois", stride)
    tops = ["rois", "labels", "bbox_targets", "bbox_inside_weights", "bbox_outside_weights"]
    python(text, "ProposalTargets", [rois, "gt_boxes"], " ".join(tops), f'{{"classes": {CLASSES}}}')
    pool = f"roi_pooling_param {{ pooled_w: 7 pooled_h: 7 spatial_scale: {1 / STRIDE} }}"
    x = text.layer("ROIPooling", "pool5", [features, "rois"], more=pool)
    for name in ("fc6", "fc7"):
        x = text.dropout(text.fc(name, x, full, relu=True))
    text.layer("SoftmaxWithLoss", "loss_cls", [text.fc("cls_score", x, CLASSES), "labels"])
    boxes = text.fc("bbox_pred", x, 4 * CLASSES)
    text.layer("SmoothL1Loss", "loss_bbox", [boxes, *tops[2:]], more="loss_weight: 1")
    return text


@pytest.fixture(autouse=True)
def _layers_in_python(tmp_path, monkeypatch):
    (tmp_path / "regions.py").write_text(LAYERS)
    monkeypatch.chdir(tmp_path)


def test_shapes(write, read):
    from netspec.graph.build import build_graph, net_state

    document = read(str(faster_rcnn(write(), 608, 1008)))
    graph = build_graph(document, net_state(document, "TRAIN"), allow_python_layers=True)
    blobs = {name: blob.shape for name, blob in graph.blobs.items()}
    assert blobs["conv5_3"] == (1, 512, 38, 63)
    assert blobs["rpn_cls_score_reshape"] == (1, 2, 38 * ANCHORS, 63)
    assert blobs["rpn_labels"] == (1, 1, 38 * ANCHORS, 63)
    assert blobs["rpn_bbox_targets"] == blobs["rpn_bbox_pred"] == (1, 36, 38, 63)
    assert blobs["rpn_cls_prob_reshape"] == (1, 18, 38, 63)
    assert blobs["pool5"] == (1, 512, 7, 7)
    assert blobs["bbox_pred"] == blobs["bbox_targets"] == (1, 84)


def test_training(write, train):
    text = faster_rcnn(write(), HEIGHT, WIDTH, widths=(16, 32, 64, 128, 128), full=256)
    net, out = train(text, allow_python_layers=True)
    assert net.inputs == []
    assert set(net.loss_weights) == {"rpn_loss_cls", "rpn_loss_bbox", "loss_cls", "loss_bbox"}
    assert all(out[name].item() > 0 for name in net.loss_weights)
    seen = {}
    net.get_submodule("pool5").register_forward_hook(lambda _, bottoms, top: seen.update(top=top.shape))
    torch.manual_seed(0)
    net()
    assert seen["top"] == (7 + 2, 128, 7, 7)  # the second pass: 7 proposals and 2 objects
