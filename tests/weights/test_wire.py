import numpy as np
import pytest

from netspec.errors import WeightsError
from netspec.schema.messages import BlobProto, Datum
from netspec.weights.wire import (
    Reader,
    open_message,
    put_bytes,
    put_floats,
    put_integer,
    put_integers,
    put_text,
)


def reader(data):
    return Reader(memoryview(data), "file", len(data))


def fields(data):
    return list(reader(data).fields())


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31 - 1, -1, -(2**31)])
def test_integers_are_written_and_read_as_protobuf_does(value):
    data = b"".join(put_integer(5, value))
    assert data == Datum(label=value).SerializeToString()
    assert [field.integer() for field in fields(data)] == [value]


def test_floats_are_written_as_protobuf_does_and_read_without_a_copy():
    values = np.array([1.5, -2.25, 3e-8], np.float32)
    data = b"".join(put_floats(5, values))
    assert data == BlobProto(data=values).SerializeToString()
    (field,) = fields(data)
    read = field.floats("<f4")
    np.testing.assert_array_equal(read, values)
    assert read.base is not None
    assert not read.flags.writeable


def test_unpacked_numbers_are_read_too():
    single = b"\x2d" + np.float32(1.5).tobytes() + b"\x41" + np.float64(2.5).tobytes()
    first, second = fields(single)
    assert (first.floats("<f4").tolist(), second.floats("<f8").tolist()) == ([1.5], [2.5])


def test_packed_and_single_integers_read_alike():
    packed, single = fields(b"".join([*put_integers(1, [3, 4]), *put_integer(1, 5)]))
    assert packed.integers() + single.integers() == [3, 4, 5]


def test_text_and_nested_messages():
    (outer,) = fields(b"".join(put_bytes(100, *put_text(1, "conv1"), *put_text(2, "é"))))
    assert [inner.text() for inner in outer.message().fields()] == ["conv1", "é"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x08", "byte 1: expected the end of a variable-length number"),
        (b"\x08" + b"\xff" * 11, "byte 1: expected the end of a variable-length number"),
        (b"\x0a\x05abc", "byte 0: expected 5 bytes of field 1, but only 3 are left"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "expected 9223372036854775807 bytes of field 1"),
        (b"\x2d\x00\x00", "byte 0: expected 4 bytes of field 5, but only 2 are left"),
        (b"\x08\x01\x00\x01", "byte 2: expected a field, not one with the number 0"),
        (b"\x0b\x01", "byte 0: expected a field, not one of wire type 3"),
    ],
)
def test_a_damaged_file_names_the_byte(data, message):
    with pytest.raises(WeightsError, match=message) as caught:
        fields(data)
    assert f"it has {len(data)} bytes" in str(caught.value)


def test_the_byte_is_counted_from_the_start_of_the_file():
    data = b"".join([*put_text(1, "name"), *put_bytes(100, *put_text(1, "x"), b"\x08")])
    _, outer = fields(data)
    with pytest.raises(WeightsError, match=f"byte {len(data)}:"):
        list(outer.message().fields())


def test_a_field_of_another_kind_is_refused():
    number, text = fields(b"".join([*put_integer(1, 7), *put_bytes(5, b"abc")]))
    for attempt in (number.text, number.message, text.integer, lambda: text.floats("<f4")):
        with pytest.raises(WeightsError, match="expected"):
            attempt()


def test_a_missing_and_an_empty_file(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(WeightsError, match="empty: error: the file is empty"):
        open_message(tmp_path / "empty")
    with pytest.raises(WeightsError, match="none: error: no such file"):
        open_message(tmp_path / "none")
