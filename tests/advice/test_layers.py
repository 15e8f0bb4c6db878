"""Layers beside each other."""

from __future__ import annotations

import pytest

HIDDEN = (
    'layer { name: "hidden" type: "InnerProduct" bottom: "data" top: "hidden"\n'
    '  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }\n'
)


def layer(type, bottom, top=None, more=""):
    name = type.lower()
    return f'layer {{ name: "{name}" type: "{type}" bottom: "{bottom}" top: "{top or name}" {more} }}\n'


@pytest.fixture
def behind_the_scores(classified):
    """A net with layers between the scores and the loss, which reads ``blob``."""

    def behind(layers, blob="score", loss="SoftmaxWithLoss"):
        net, _, _ = classified("", "data").partition('layer { name: "loss"')
        labels = "score" if loss == "SigmoidCrossEntropyLoss" else "label"
        more = f'bottom: "{labels}"' if loss != "SigmoidCrossEntropyLoss" else 'bottom: "targets"'
        targets = (
            'layer { name: "targets" type: "DummyData" top: "targets"\n'
            "  dummy_data_param { shape { dim: 4 dim: 10 } } }\n"
        )
        hush = 'layer { name: "hush" type: "Silence" bottom: "label" }\n'
        head = targets + hush if loss == "SigmoidCrossEntropyLoss" else ""
        return net + head + layers + layer(loss, blob, "loss", more)

    return behind


@pytest.mark.parametrize(
    ("layers", "blob", "loss"),
    [
        (layer("ReLU", "score", "score"), "score", "SoftmaxWithLoss"),
        (layer("ReLU", "score"), "relu", "SoftmaxWithLoss"),
        (layer("ReLU6", "score"), "relu6", "SoftmaxWithLoss"),
        (layer("ReLU", "score"), "relu", "SigmoidCrossEntropyLoss"),
        (layer("ReLU", "score") + layer("Flatten", "relu"), "flatten", "SoftmaxWithLoss"),
        (layer("ReLU", "score") + layer("Softmax", "relu"), "softmax", "MultinomialLogisticLoss"),
    ],
)
def test_a_relu_in_front_of_the_loss(layers, blob, loss, behind_the_scores, advice_on):
    assert advice_on(behind_the_scores(layers, blob, loss)) == ["relu-before-loss"]


@pytest.mark.parametrize(
    ("layers", "blob", "loss"),
    [
        ("", "score", "SoftmaxWithLoss"),
        (layer("ReLU", "score", more="relu_param { negative_slope: 0.01 }"), "relu", "SoftmaxWithLoss"),
        (layer("PReLU", "score"), "prelu", "SoftmaxWithLoss"),
        (
            layer("ReLU", "score") + layer("Silence", "relu").replace('top: "silence"', ""),
            "score",
            "SoftmaxWithLoss",
        ),
        (layer("Softmax", "score"), "softmax", "MultinomialLogisticLoss"),
        (layer("LogSoftmax", "score"), "logsoftmax", "SoftmaxWithLoss"),
    ],
)
def test_what_may_stand_there(layers, blob, loss, behind_the_scores, advice_on):
    assert advice_on(behind_the_scores(layers, blob, loss)) == []


@pytest.mark.parametrize(
    ("squashing", "loss"),
    [
        ("Softmax", "SoftmaxWithLoss"),
        ("Sigmoid", "SoftmaxWithLoss"),
        ("Sigmoid", "SigmoidCrossEntropyLoss"),
    ],
)
def test_a_function_that_the_loss_has_itself(squashing, loss, behind_the_scores, advice_on):
    net = behind_the_scores(layer(squashing, "score"), squashing.lower(), loss)
    assert advice_on(net) == ["softmax-before-loss"]


def test_an_average_over_relus_is_a_head_of_its_own(classified, advice_on):
    """SqueezeNet's."""
    layers = (
        'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"\n'
        '  convolution_param { num_output: 10 kernel_size: 1 weight_filler { type: "xavier" } } }\n'
        + layer("ReLU", "conv", "conv")
        + layer("Pooling", "conv", "score", "pooling_param { pool: AVE global_pooling: true }")
    )
    net = classified(layers, "data")
    head, _, rest = net.partition('\nlayer { name: "score" type: "InnerProduct"')
    assert advice_on(head + '\nlayer { name: "loss"' + rest.partition('layer { name: "loss"')[2]) == []


@pytest.mark.parametrize(
    ("layers", "blob", "found"),
    [
        (layer("BatchNorm", "hidden", "hidden") + layer("ReLU", "hidden", "hidden"), "hidden", True),
        (layer("BatchNorm", "hidden"), "batchnorm", True),
        (layer("BatchNorm", "hidden") + layer("Scale", "batchnorm"), "scale", False),
        (layer("BatchNorm", "hidden", "hidden") + layer("Scale", "hidden", "hidden"), "hidden", False),
        (
            layer("BatchNorm", "hidden") + layer("Dropout", "batchnorm") + layer("Scale", "dropout"),
            "scale",
            False,
        ),
        (layer("BatchNorm", "hidden", more="batch_norm_param { scale_bias: true }"), "batchnorm", False),
        (layer("BN", "hidden"), "bn", False),
    ],
)
def test_a_batch_norm_needs_a_scale(layers, blob, found, classified, advice_on):
    assert advice_on(classified(HIDDEN + layers, blob)) == ["batchnorm-without-scale"] * found


BARE = HIDDEN.replace('weight_filler { type: "xavier" }', "")


@pytest.mark.parametrize(
    ("layers", "blob", "found"),
    [
        (BARE + layer("ReLU", "hidden", "hidden"), "hidden", True),
        (BARE + layer("Dropout", "hidden") + layer("ReLU", "dropout"), "relu", True),
        (
            BARE.replace("} }", 'bias_filler { type: "constant" value: 0.1 } } }') + layer("ReLU", "hidden"),
            "relu",
            False,
        ),
        (BARE + layer("ReLU", "hidden", more="relu_param { negative_slope: 0.1 }"), "relu", False),
        (BARE + layer("TanH", "hidden"), "tanh", False),
        (BARE, "hidden", False),
        (HIDDEN + layer("ReLU", "hidden", "hidden"), "hidden", False),
    ],
)
def test_zeros_in_front_of_a_relu_stay_zeros(layers, blob, found, classified, advice_on):
    assert advice_on(classified(layers, blob)) == ["zero-start"] * found


def test_zeros_in_front_of_zeros_stay_zeros(classified, advice_on):
    net = classified(BARE, "hidden").replace('weight_filler { type: "xavier" }', "")
    assert advice_on(net) == ["zero-start"]
    assert (
        advice_on(net.replace('top: "hidden"', 'top: "hidden" param { lr_mult: 0 } param { lr_mult: 0 }'))
        == []
    )
