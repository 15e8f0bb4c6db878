import pytest

from netspec.errors import WeightsError
from netspec.schema.messages import BlobProto, NetParameter, SolverState
from netspec.weights import read_caffemodel, read_solverstate

WEIGHTS = NetParameter(name="net", layer=[{"name": "ip"}]).SerializeToString()
STATE = SolverState(iter=5, learned_net="x.caffemodel").SerializeToString()
MEAN = BlobProto(num=1, channels=1, height=1, width=1, data=[1]).SerializeToString()


@pytest.mark.parametrize(
    ("read", "data", "message"),
    [
        (read_caffemodel, STATE, "but this is a solver's state\n   help: pass a .solverstate with -snapshot"),
        (read_solverstate, WEIGHTS, "but this is a net's weights\n   help: pass a .caffemodel with -weights"),
        (read_caffemodel, MEAN, "but this is a single blob"),
        (read_caffemodel, b'name: "net"\nlayer { # gr\xc3\xb6\xc3\x9fer\n}\n', "but this is a text"),
        (read_caffemodel, b"# " + b"x" * 509 + "ö".encode(), "but this is a text"),
        (read_caffemodel, b"\x89HDF\r\n\x1a\n" + bytes(100), "cannot be read as HDF5"),
        (read_solverstate, b"PK\x03\x04" + bytes(100), "but this is a zip archive"),
        (read_caffemodel, b"version https://git-lfs.github.com/spec/v1\n", "but this is a Git LFS pointer"),
    ],
)
def test_a_mix_up_is_named(tmp_path, read, data, message):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        read(path)
    assert message in str(caught.value)


def test_what_is_expected_is_accepted(tmp_path):
    for name, read, data in (("w", read_caffemodel, WEIGHTS), ("s", read_solverstate, STATE)):
        (tmp_path / name).write_bytes(data)
        read(tmp_path / name)
