import numpy as np
import pytest

from netspec.errors import WeightsError
from netspec.schema.messages import BlobProto, NetParameter, SolverState
from netspec.weights import (
    LayerBlobs,
    State,
    read_solverstate,
    read_weights,
    write_solverstate,
    write_weights,
)

WEIGHTS = NetParameter(name="net", layer=[{"name": "ip"}]).SerializeToString()
STATE = SolverState(iter=5, learned_net="x.caffemodel").SerializeToString()
MEAN = BlobProto(num=1, channels=1, height=1, width=1, data=[1]).SerializeToString()


@pytest.mark.parametrize(
    ("read", "data", "message"),
    [
        (read_weights, STATE, "but this is a solver's state\n   help: pass a .solverstate with -snapshot"),
        (read_solverstate, WEIGHTS, "but this is a net's weights\n   help: pass a .caffemodel with -weights"),
        (read_weights, MEAN, "but this is a single blob"),
        (read_weights, b'name: "net"\nlayer { # gr\xc3\xb6\xc3\x9fer\n}\n', "but this is a text"),
        (read_weights, b"# " + b"x" * 509 + "ö".encode(), "but this is a text"),
        (read_weights, b"\x89HDF\r\n\x1a\n" + bytes(100), "cannot be read as HDF5"),
        (read_solverstate, b"PK\x03\x04" + bytes(100), "but this is a zip archive"),
        (read_solverstate, b"\x93NUMPY\x01\0" + bytes(100), "but this is a NumPy array"),
        (read_weights, b"version https://git-lfs.github.com/spec/v1\n", "but this is a Git LFS pointer"),
    ],
)
def test_a_mix_up_is_named(tmp_path, read, data, message):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        read(path)
    assert message in str(caught.value)


@pytest.mark.parametrize("suffix", ["", ".h5", ".safetensors"])
def test_the_other_file_of_a_snapshot_is_named(tmp_path, suffix):
    weights, state = (tmp_path / f"x_iter_5.{kind}{suffix}" for kind in ("caffemodel", "solverstate"))
    write_weights(weights, [LayerBlobs("ip", blobs={0: np.ones(1, np.float32)})])
    write_solverstate(state, State(5, str(weights), [np.ones(1, np.float32)]))
    with pytest.raises(WeightsError) as caught:
        read_solverstate(weights)
    assert "expected a solver's state, but this is a net's weights" in str(caught.value)
    assert f"help: did you mean '{state}', which lies beside it?" in str(caught.value)
    with pytest.raises(WeightsError) as caught:
        read_weights(state)
    assert "expected a net's weights, but this is a solver's state" in str(caught.value)
    assert f"help: did you mean '{weights}', which lies beside it?" in str(caught.value)
    weights.unlink()
    with pytest.raises(WeightsError, match=r"help: pass a \.solverstate with -snapshot"):
        read_weights(state)


def test_what_is_expected_is_accepted(tmp_path):
    for name, read, data in (("w", read_weights, WEIGHTS), ("s", read_solverstate, STATE)):
        (tmp_path / name).write_bytes(data)
        read(tmp_path / name)
