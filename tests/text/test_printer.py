"""Printed messages: the usual style, and the same message when read again."""

import math

import pytest
from google.protobuf import text_format

from netspec.schema.document import load_document
from netspec.schema.messages import BlobProto, Datum, FillerParameter, NetParameter, SolverParameter
from netspec.text.printer import print_message
from netspec.text.source import Source


def test_the_style():
    net = NetParameter(name="net")
    layer = net.layer.add(name="pool1", type="Pooling", bottom=["conv1"], top=["pool1", "mask"])
    layer.pooling_param.pool = 1
    layer.pooling_param.kernel_size = 2
    layer.softmax_param.SetInParent()
    layer.transform_param.mirror = True
    assert print_message(net) == (
        'name: "net"\n'
        "layer {\n"
        '  name: "pool1"\n'
        '  type: "Pooling"\n'
        '  bottom: "conv1"\n'
        '  top: "pool1"\n'
        '  top: "mask"\n'
        "  transform_param {\n"
        "    mirror: true\n"
        "  }\n"
        "  pooling_param {\n"
        "    pool: AVE\n"
        "    kernel_size: 2\n"
        "  }\n"
        "  softmax_param {\n"
        "  }\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (0.01, "0.01"),
        (1e-5, "1e-05"),
        (100.0, "100"),
        (-2.5, "-2.5"),
        (0.00390625, "0.00390625"),
        (1 / 3, "0.33333334"),
        (16777216.0, "16777216"),
        (3.4028235e38, "3.4028235e+38"),
        (1e-45, "1e-45"),
        (-0.0, "-0"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
    ],
)
def test_a_float_has_the_fewest_digits(value, text):
    message = FillerParameter(value=value)
    assert print_message(message) == f"value: {text}\n"
    again = load_document(Source("t", print_message(message)), FillerParameter).message
    assert again.SerializeToString() == message.SerializeToString()


def test_a_double_keeps_its_digits():
    assert (
        print_message(BlobProto(double_data=[0.1, 1 / 3]))
        == "double_data: 0.1\ndouble_data: 0.3333333333333333\n"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b", "a b"),
        ('"\\\n\r\t', r"\"\\\n\r\t"),
        ("it's é 漢", "it's é 漢"),
        ("\0\x7f1\u2028", r"\000\1771\342\200\250"),
    ],
)
def test_strings(value, text):
    assert print_message(NetParameter(name=value)) == f'name: "{text}"\n'


def test_bytes():
    data = bytes(range(256))
    text = print_message(Datum(data=data))
    assert text.isascii()
    assert text_format.Parse(text, Datum()).data == data
    assert load_document(Source("t", text), Datum).message.data == data


def test_whole_numbers_of_every_width():
    solver = SolverParameter(random_seed=-(2**63), max_iter=2**31 - 1)
    assert print_message(solver) == f"max_iter: {2**31 - 1}\nrandom_seed: {-(2**63)}\n"


def test_an_empty_message():
    assert print_message(NetParameter()) == ""
