"""How theta starts, and how fast it learns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netspec.advice.theta import not_identity
from netspec.solver.settings import load_settings

NOT_IDENTITY, RATE = "theta-not-identity", "theta-learning-rate"
XAVIER, ZERO = 'weight_filler { type: "xavier" }', 'weight_filler { type: "constant" }'
SIX, TWO = 'transform_type: "affine"', 'transform_type: "translation"'
SLOW = "param { lr_mult: 0.1 } param { lr_mult: 0.1 }"


def regressor(outputs, fillers="", *, name="where", top="theta", param=SLOW, bottom="data"):
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{top}" {param}\n'
        f"  inner_product_param {{ num_output: {outputs} {fillers} }} }}\n"
    )


def transformer(param, *, name="look", theta="theta", image="data"):
    return (
        f'layer {{ name: "{name}" type: "SpatialTransformer" bottom: "{image}" bottom: "{theta}" '
        f'top: "{name}"\n  st_param {{ {param} }} }}\n'
    )


@pytest.fixture
def bias(tmp_path, monkeypatch):
    """A bias_filler for some numbers."""
    monkeypatch.chdir(tmp_path)

    def bias(numbers):
        (tmp_path / "bias.txt").write_text(numbers)
        return 'bias_filler { type: "file" file: "bias.txt" }'

    return bias


@pytest.mark.parametrize(
    ("param", "numbers"),
    [
        (SIX, "1 0 0 0 1 0"),
        (SIX, "0.5 0 0 0 0.5 0"),
        (SIX, "0.4 0 0.6 0 0.9 0"),  # a strip on one side
        (SIX, "0.9 -0.3 0 0.3 0.9 0"),  # turned by 18 degrees
        ('transform_type: "attention"', "1 0 0"),
        ('transform_type: "attention"', "0.3 0.5 -0.5"),
        ('transform_type: "similarity"', "0 1 0 0"),
        ('transform_type: "projective"', "1 0 0 0 1 0 0 0"),
        ('transform_type: "rotation"', "0"),
        (TWO, "0.2 0"),
        ("theta_1_1: 0.6 theta_2_2: 0.6", "0 0 0 0"),
        ("theta_1_2: 0 theta_2_1: 0", "0.8 0 0.8 0"),
        ('transform_type: "tps" control_points: 2', "0 0 0 0 0 0 0 0"),
        (f"{SIX} de_transform: true", "1 0 0 0 1 0"),
        (f"{SIX} grid: HALF_PIXEL order: COLUMN_FIRST", "1 0 0 0 1 0"),
    ],
)
def test_a_part_of_the_image_is_a_good_start(param, numbers, bias, classified, advice_on):
    layers = regressor(len(numbers.split()), f"{ZERO} {bias(numbers)}") + transformer(param)
    assert advice_on(classified(layers, "look")) == []


@pytest.mark.parametrize(
    ("param", "numbers", "words"),
    [
        (SIX, "0 0 0 0 0 0", "starts at 0 0 0 0 0 0, which shows one point or line"),
        (SIX, "1 1 1 1 1 1", "shows one point or line"),
        (SIX, "0.05 0 0 0 0.05 0", "shows one point or line"),
        (SIX, "0 1 0 1 0 0", "turns or mirrors"),
        (SIX, "-1 0 0 0 1 0", "turns or mirrors"),
        (SIX, "0 -1 0 1 0 0", "turns or mirrors"),
        (SIX, "1 0 1.5 0 1 0", "looks beside the image"),
        (SIX, "3 0 0 0 3 0", "looks beside the image"),
        ('transform_type: "attention"', "0 0 0", "shows one point or line"),
        ('transform_type: "scale"', "0", "shows one point or line"),
        ('transform_type: "rotation"', "0.5", "turns or mirrors"),
        (TWO, "3 0", "looks beside the image"),
        ('transform_type: "projective"', "0 0 0 0 0 0 0 0", "shows one point or line"),
        ("theta_1_2: 0 theta_2_1: 0", "0 0 0 0", "shows one point or line"),
    ],
)
def test_other_starts_are_not(param, numbers, words, bias, classified, subject_of):
    layers = regressor(len(numbers.split()), f"{ZERO} {bias(numbers)}") + transformer(param)
    (said,) = not_identity(subject_of(classified(layers, "look")))
    assert words in said.message
    assert said.message.startswith("layer 'where': the theta of 'look' starts at ")
    assert said.span.source.text[said.span.start : said.span.end] == "bias_filler"


@pytest.mark.parametrize(
    ("filler", "is_random"),
    [
        (XAVIER, True),
        ('weight_filler { type: "msra" }', True),
        ('weight_filler { type: "gaussian" std: 0.1 }', True),
        ('weight_filler { type: "uniform" min: -0.05 max: 0.05 }', True),
        ('weight_filler { type: "gaussian" std: 0.001 }', False),
        (ZERO, False),
        ("", False),
    ],
)
@pytest.mark.parametrize(
    ("param", "numbers"), [(SIX, "1 0 0 0 1 0"), (TWO, "0 0"), ('transform_type: "rotation"', "0")]
)
def test_random_weights_are_not_either(filler, is_random, param, numbers, bias, classified, subject_of):
    layers = regressor(len(numbers.split()), f"{filler} {bias(numbers)}") + transformer(param)
    found = list(not_identity(subject_of(classified(layers, "look"))))
    assert [said.span.source.text[said.span.start : said.span.end] for said in found] == (
        ["weight_filler"] if is_random else []
    )
    assert all("at random" in said.message for said in found)


def test_the_help_says_what_theta_should_start_at(classified, subject_of):
    nets = {
        "1 0 0 0 1 0": regressor(6) + transformer(SIX),
        "1 0 0": regressor(3) + transformer('transform_type: "attention"'),
        '{ type: "constant" value: 1 }': regressor(1) + transformer('transform_type: "scale"'),
    }
    for words, layers in nets.items():
        (said,) = not_identity(subject_of(classified(layers, "look")))
        assert words in said.help


CONV = (
    'layer { name: "where" type: "Convolution" bottom: "data" top: "theta" param { lr_mult: 0.1 }\n'
    "  convolution_param { num_output: 6 kernel_size: 12 %s } }\n"
)


@pytest.mark.parametrize(("fillers", "found"), [(XAVIER, [NOT_IDENTITY]), (ZERO, [])])
def test_a_convolution_may_make_theta(fillers, found, bias, classified, advice_on):
    layers = CONV % f"{fillers} {bias('1 0 0 0 1 0')}" + transformer(SIX)
    assert advice_on(classified(layers, "look")) == found


def chain(*layers):
    """What lies between the regressor's top "raw" and theta."""
    return "".join(f"layer {{ {layer} }}\n" for layer in layers)


TANH = 'name: "tanh" type: "TanH" bottom: "raw" top: "theta"'


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        # 0.5 * tanh(0) is no scale; behind a shift by 1 it is.
        (
            regressor(1, ZERO, top="raw") + chain(TANH) + transformer('transform_type: "scale"'),
            [NOT_IDENTITY],
        ),
        (
            regressor(1, ZERO, top="raw")
            + chain(
                'name: "one" type: "Power" bottom: "raw" top: "theta" power_param { scale: 0.5 shift: 1 }'
            )
            + transformer('transform_type: "scale"'),
            [],
        ),
        (
            regressor(2, XAVIER, top="raw")
            + chain('name: "half" type: "Power" bottom: "raw" top: "theta" power_param { scale: 0.001 }')
            + transformer(TWO),
            [],
        ),
        (
            regressor(2, ZERO, name="a", top="a")
            + regressor(1, XAVIER, name="b", top="b")
            + chain(
                'name: "raw" type: "Concat" bottom: "a" bottom: "b" top: "raw"',
                'name: "cut" type: "Slice" bottom: "raw" top: "theta" top: "rest" '
                "slice_param { slice_point: 2 }",
                'name: "hush" type: "Silence" bottom: "rest"',
            )
            + transformer(TWO),
            [],
        ),
        (
            regressor(1, ZERO, name="a", top="a")
            + regressor(1, XAVIER, name="b", top="b")
            + chain('name: "theta" type: "Concat" bottom: "a" bottom: "b" top: "theta"')
            + transformer(TWO),
            [NOT_IDENTITY],
        ),
        (
            regressor(2, ZERO, top="raw")
            + chain(
                'name: "shape" type: "Reshape" bottom: "raw" top: "theta" '
                "reshape_param { shape { dim: 0 dim: 1 dim: -1 } }"
            )
            + transformer(TWO),
            [],
        ),
    ],
    ids=["tanh", "power", "tamed", "slice", "concat", "reshape"],
)
def test_what_lies_behind_the_regressor_counts(layers, found, classified, advice_on):
    assert advice_on(classified(layers, "look")) == found


def test_the_regressor_with_the_random_weights_is_named(classified, subject_of):
    layers = (
        regressor(1, ZERO, name="a", top="a")
        + regressor(1, XAVIER, name="b", top="b")
        + chain('name: "theta" type: "Concat" bottom: "a" bottom: "b" top: "theta"')
        + transformer(TWO)
    )
    (said,) = not_identity(subject_of(classified(layers, "look")))
    assert said.message.startswith("layer 'b': ")


FED = 'layer { name: "fed" type: "DummyData" top: "theta" dummy_data_param { shape { dim: 4 dim: 6 } } }\n'


@pytest.mark.parametrize(
    "make", [FED, regressor(6, param="param { lr_mult: 0 } param { lr_mult: 0 }")], ids=["fed", "frozen"]
)
def test_a_theta_that_nobody_learns_is_left_alone(make, classified, advice_on):
    assert advice_on(classified(make + transformer(SIX), "look")) == []


IMAGE = (
    'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 8 dim: 8 } } }\n'
)


def test_a_net_to_run_has_its_weights_from_a_file_unless_it_has_fillers(advice_on):
    assert advice_on(IMAGE + regressor(6) + transformer(SIX)) == []
    assert advice_on(IMAGE + regressor(6, ZERO) + transformer(SIX)) == [NOT_IDENTITY]


def test_so_has_a_solver_with_weights(classified, subject_of, tmp_path):
    subject = subject_of(classified(regressor(6) + transformer(SIX), "look"))
    (tmp_path / "net.prototxt").write_text("")
    (tmp_path / "old.caffemodel").write_bytes(b"")
    solver = tmp_path / "solver.prototxt"
    for more, found in (("", 1), ('weights: "old.caffemodel"', 0)):
        solver.write_text(f'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" {more}')
        assert len(list(not_identity(replace(subject, settings=load_settings(solver))))) == found


# How fast it learns ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theta", "score", "found"),
    [
        ("", "", [RATE]),
        ("param { lr_mult: 2 }", "", [RATE]),
        (SLOW, "", []),
        (SLOW, "param { lr_mult: 0.1 }", [RATE]),
        ("", "param { lr_mult: 10 } param { lr_mult: 20 }", []),
        ("param { lr_mult: 0 } param { lr_mult: 0.5 }", "param { lr_mult: 0.1 }", [RATE]),
        ("", "param { lr_mult: 0 } param { lr_mult: 0 }", []),
    ],
)
def test_theta_is_to_learn_more_slowly_than_the_last_layer(theta, score, found, classified, advice_on):
    net = classified(regressor(2, ZERO, param=theta) + transformer(TWO), "look")
    assert advice_on(net.replace('top: "score"', f'top: "score" {score}', 1)) == found


def test_what_does_not_read_the_transformer_does_not_count(classified, advice_on):
    layers = regressor(2, ZERO, param="") + transformer(TWO)
    hush = 'layer { name: "hush" type: "Silence" bottom: "look" }\n'
    assert advice_on(classified(layers + hush, "data")) == []


def test_a_loss_on_theta_itself_does_not_count(classified, advice_on):
    loss = (
        'layer { name: "far" type: "LocLoss" bottom: "theta" top: "far" loc_loss_param { threshold: 1 } }\n'
    )
    layers = regressor(2, ZERO) + transformer(TWO) + loss
    assert advice_on(classified(layers, "look")) == []


def test_of_two_transformers_each_is_looked_at(classified, advice_on, subject_of):
    layers = (
        regressor(2, ZERO)
        + transformer(TWO)
        + regressor(2, ZERO, name="again", top="theta2", param="", bottom="look")
        + transformer(TWO, name="closer", theta="theta2", image="look")
    )
    assert advice_on(classified(layers, "closer")) == [RATE]
