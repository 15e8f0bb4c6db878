"""Each spelling of a scalar, read as its field's type."""

import math

import pytest

from netspec.schema.document import load_document
from netspec.schema.messages import (
    BlobShape,
    Datum,
    FillerParameter,
    LayerParameter,
    NetParameter,
    TransformationParameter,
)
from netspec.text.source import Source


def load(text, message_class=NetParameter):
    return load_document(Source("t", text), message_class).message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"'\a\b\f\n\r\t\v\\\'\"\?'", "\a\b\f\n\r\t\v\\'\"?"),
        (r"'\101\60\7x\x41\X42\x7'", "A0\7xAB\7"),
        (r"'\u00e9\U0001F600'", "é\U0001f600"),
        (r"'\ud83d\ude00'", "\U0001f600"),
        (r"'\303\251\xc3' '\xa9'", "éé"),
        ("'a' # one\n \"b\"", "ab"),
        ("'é'", "é"),
    ],
)
def test_strings(text, value):
    assert load(f"name: {text}").name == value


def test_bytes():
    assert load(r"data: 'é\xff\000' '\377'", Datum).data == b"\xc3\xa9\xff\0\xff"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("- 5", -5),
        ("-\n# five\n5", -5),
        ("0x1F", 31),
        ("-0x1f", -31),
        ("017", 15),
        ("-017", -15),
        ("0", 0),
        (str(2**63 - 1), 2**63 - 1),
        (str(-(2**63)), -(2**63)),
        ("-0x8000000000000000", -(2**63)),
    ],
)
def test_integers(text, value):
    assert load(f"dim: {text}", BlobShape).dim == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("- 5", -5),
        (".5", 0.5),
        ("5.", 5),
        ("2.5e-1", 0.25),
        ("1.5f", 1.5),
        ("2F", 2),
        ("- 1.5", -1.5),
        ("inf", math.inf),
        ("-INF", -math.inf),
        ("Infinity", math.inf),
        ("- infinity", -math.inf),
        ("1e99", math.inf),
        ("1" + "0" * 5000, math.inf),
        ("0", 0),
    ],
)
def test_floats(text, value):
    assert load(f"value: {text}", FillerParameter).value == value


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan"])
def test_not_a_number(text):
    assert math.isnan(load(f"value: {text}", FillerParameter).value)


@pytest.mark.parametrize("text", ["true", "True", "t", "1", "0x1"])
def test_true(text):
    assert load(f"mirror: {text}", TransformationParameter).mirror is True


@pytest.mark.parametrize("text", ["false", "False", "f", "0"])
def test_false(text):
    message = load(f"mirror: {text}", TransformationParameter)
    assert message.HasField("mirror")
    assert message.mirror is False


def test_enums_by_name_and_number():
    layer = load("pooling_param { pool: AVE } include { phase: 1 }", LayerParameter)
    assert (layer.pooling_param.pool, layer.include[0].phase) == (1, 1)
