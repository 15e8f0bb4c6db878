from itertools import product
from math import sqrt

import pytest
import torch

from netspec.errors import NetError
from netspec.layers.fillers import find_filler
from netspec.schema.document import load_document
from netspec.schema.messages import FillerParameter
from netspec.text.source import Source


def _fill(text, *shape, path=None, seed=0):
    document = load_document(Source("filler.prototxt", text, path), FillerParameter)
    filler = find_filler(document.message, document.spans)
    return filler(shape, torch.Generator().manual_seed(seed))


def _rejected(text, *shape, path=None):
    with pytest.raises(NetError) as caught:
        _fill(text, *shape, path=path)
    diagnostic = caught.value.diagnostics[0]
    span = diagnostic.span
    return diagnostic, span.source.text[span.start : span.end]


def test_constant():
    assert _fill("value: 2.5", 2, 3).tolist() == [[2.5] * 3] * 2
    assert _fill("", 2).tolist() == [0, 0]


def test_uniform():
    values = _fill('type: "uniform" min: -1 max: 3', 200, 100)
    assert -1 <= values.min() < -0.99
    assert 2.99 < values.max() <= 3
    assert values.mean().item() == pytest.approx(1, abs=0.03)


def test_gaussian():
    values = _fill('type: "gaussian" mean: 1 std: 0.5', 200, 100)
    assert values.mean().item() == pytest.approx(1, abs=0.02)
    assert values.std().item() == pytest.approx(0.5, abs=0.01)


def test_sparse_gaussian_keeps_that_share_of_the_outputs():
    values = _fill('type: "gaussian" sparse: 10', 100, 500)
    assert (values != 0).float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert values[values != 0].std().item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("norm", "n"), [("FAN_IN", 300), ("FAN_OUT", 1200), ("AVERAGE", 750)])
@pytest.mark.parametrize("type", ["xavier", "msra"])
def test_scaled_by_the_fan(type, norm, n):
    values = _fill(f'type: "{type}" variance_norm: {norm}', 400, 100, 3)
    assert values.std().item() == pytest.approx(sqrt((1 if type == "xavier" else 2) / n), rel=0.02)
    if type == "xavier":
        assert values.abs().max().item() == pytest.approx(sqrt(3 / n), rel=0.001)


def test_xavier_on_a_vector():
    assert _fill('type: "xavier"', 1000).abs().max().item() == pytest.approx(sqrt(3), rel=0.01)


@pytest.mark.parametrize("side", [2, 3, 4, 5])
def test_bilinear(side):
    factor = (side + 1) // 2
    centre = (side - 1) / (2 * factor)
    values = _fill('type: "bilinear"', 2, 3, side, side)
    for y, x in product(range(side), repeat=2):
        expected = (1 - abs(x / factor - centre)) * (1 - abs(y / factor - centre))
        assert values[:, :, y, x].flatten().tolist() == [pytest.approx(expected, abs=1e-6)] * 6


def test_bilinear_needs_square_kernels():
    diagnostic, marked = _rejected('type: "bilinear"', 1, 1, 3, 4)
    assert marked == '"bilinear"'
    assert "not 1x1x3x4" in diagnostic.message


def test_positive_unitball():
    values = _fill('type: "positive_unitball"', 5, 4, 3)
    assert values.min() >= 0
    assert values.flatten(1).sum(1).tolist() == [pytest.approx(1)] * 5


def test_a_seed_means_the_same_numbers():
    text = 'type: "gaussian"'
    assert torch.equal(_fill(text, 9, seed=1), _fill(text, 9, seed=1))
    assert not torch.equal(_fill(text, 9, seed=1), _fill(text, 9, seed=2))


def test_file_beside_the_text(tmp_path):
    (tmp_path / "numbers.txt").write_text("1 0 0\n 0 1e0\t-2.5 77 78\n")
    values = _fill('type: "file" file: "numbers.txt"', 2, 3, path=tmp_path / "net.prototxt")
    assert values.tolist() == [[1, 0, 0], [0, 1, -2.5]]


def test_file_too_short(tmp_path):
    (tmp_path / "numbers.txt").write_text("1 2 3")
    diagnostic, marked = _rejected('type: "file" file: "numbers.txt"', 2, 3, path=tmp_path / "net.prototxt")
    assert marked == '"numbers.txt"'
    assert "expected 6 numbers for a blob of 2x3, found 3" in diagnostic.message


def test_file_with_something_else_than_numbers(tmp_path):
    (tmp_path / "numbers.txt").write_text("1 0 0\n0 one 0\n")
    diagnostic, marked = _rejected('type: "file" file: "numbers.txt"', 6, path=tmp_path / "net.prototxt")
    assert marked == "one"
    assert (diagnostic.span.line, diagnostic.span.column) == (2, 3)


def test_file_missing(tmp_path):
    diagnostic, marked = _rejected('type: "file" file: "none.txt"', 6, path=tmp_path / "net.prototxt")
    assert marked == '"none.txt"'
    assert "no such file" in diagnostic.message


def test_file_without_a_name():
    assert "the field 'file' is missing" in _rejected('type: "file"', 6)[0].message


def test_unknown_type():
    diagnostic, marked = _rejected('type: "xaver"', 3)
    assert marked == '"xaver"'
    assert diagnostic.help == "did you mean 'xavier'?"
    assert "positive_unitball" in _rejected('type: "?"', 3)[0].help


@pytest.mark.parametrize(
    ("text", "marked"), [("type: 'uniform' min: 2", "2"), ("type: 'gaussian' std: -1", "-1")]
)
def test_impossible_range(text, marked):
    assert _rejected(text, 3)[1] == marked
