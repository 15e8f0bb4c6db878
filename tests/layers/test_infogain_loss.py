import numpy as np
import pytest
import torch

from netspec.schema.messages import BlobProto


def _layer(param="", loss=""):
    return f'type: "InfogainLoss" infogain_loss_param {{ {param} }} loss_param {{ {loss} }}'


def _reference(x, labels, matrix, axis, ignored=None):
    """The sum of the losses, and the number of labels that count."""
    rows = np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])
    total, count = 0.0, 0
    for row, label in zip(rows, labels.flatten(), strict=True):
        if label != ignored:
            p = np.exp(row) / np.exp(row).sum()
            total -= sum(weight * np.log(max(q, 1e-20)) for weight, q in zip(matrix[label], p, strict=True))
            count += 1
    return total, count


@pytest.fixture
def matrix_file(tmp_path):
    """Writes a matrix as Caffe does, in the old form or the new."""

    def write(matrix, *, legacy=False):
        blob = BlobProto(data=matrix.flatten().tolist())
        if legacy:
            blob.num, blob.channels, blob.height, blob.width = 1, 1, *matrix.shape
        else:
            blob.shape.dim.extend(matrix.shape)
        path = tmp_path / "infogain.binaryproto"
        path.write_bytes(blob.SerializeToString())
        return path

    return write


@pytest.mark.parametrize(
    ("loss", "divisor"),
    [
        ("", "valid"),
        ("normalization: FULL", "full"),
        ("normalization: BATCH_SIZE", "batch"),
        ("normalization: NONE", "none"),
        ("normalize: false", "batch"),
    ],
)
@pytest.mark.parametrize("ignored", [None, 255])
def test_values_and_gradient(build, gradcheck, randn, rng, loss, divisor, ignored):
    if ignored is not None:
        loss += f" ignore_label: {ignored}"
    layer = build(_layer(loss=loss), (2, 4, 3), (2, 1, 3), (1, 1, 4, 4))
    x, labels, matrix = randn(2, 4, 3), rng.integers(4, size=(2, 1, 3)), rng.uniform(0, 1, (4, 4))
    if ignored is not None:
        labels[0, 0, 1] = ignored
    total, valid = _reference(x.detach().numpy(), labels, matrix, 1, ignored)
    expected = total / {"valid": valid, "full": 6, "batch": 2, "none": 1}[divisor]
    bottoms = torch.tensor(labels, dtype=torch.float64), torch.tensor(matrix).reshape(1, 1, 4, 4)
    assert layer(x, *bottoms).item() == pytest.approx(expected)
    assert layer.shapes == [()]
    gradcheck(layer, x, *bottoms)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(("axis", "shape", "labels"), [(-1, (2, 5, 3), (2, 5)), (0, (3, 4), (4,))])
def test_a_matrix_from_a_file_and_the_second_top(
    build, gradcheck, randn, rng, matrix_file, legacy, axis, shape, labels
):
    matrix = rng.uniform(0, 1, (3, 3)).astype(np.float32)
    path = matrix_file(matrix, legacy=legacy)
    layer = build(_layer(f'source: "{path}" axis: {axis}'), shape, labels, tops=2)
    x, target = randn(*shape), rng.integers(3, size=labels)
    loss, p = layer(x, torch.tensor(target, dtype=torch.float64))
    total, count = _reference(x.detach().numpy(), target, matrix, axis)
    assert loss.item() == pytest.approx(total / count, rel=1e-5)
    np.testing.assert_allclose(p, torch.softmax(x, axis).detach())
    assert not p.requires_grad  # in Caffe no gradient passes through it
    assert layer.shapes == [(), shape]
    gradcheck(layer, x, torch.tensor(target, dtype=torch.float64))


def test_the_identity_gives_the_softmax_loss(build, randn):
    x, labels = randn(5, 4), torch.tensor([0.0, 3, 2, 1, 1])
    loss = build(_layer(), (5, 4), (5,), (4, 4))(x, labels, torch.eye(4, dtype=torch.float64))
    assert loss.item() == pytest.approx(build('type: "SoftmaxWithLoss"', (5, 4), (5,))(x, labels).item())


def test_the_number_is_limited_the_gradient_is_not(build):
    x = torch.tensor([[0.0, 500.0]], requires_grad=True)
    loss = build(_layer(), (1, 2), (1,), (2, 2))(x, torch.zeros(1), torch.eye(2))
    loss.backward()
    assert loss.item() == pytest.approx(-np.log(1e-20))
    assert x.grad.tolist() == [[-1, 1]]


def test_no_gradient_to_the_matrix(build, randn):
    x, matrix = randn(2, 3), randn(3, 3)
    build(_layer(), (2, 3), (2,), (3, 3))(x, torch.zeros(2), matrix).backward()
    assert matrix.grad is None


def test_another_batch_than_the_text_s(build):
    layer = build(_layer(), (2, 3), (2,), (3, 3))
    assert layer(torch.zeros(5, 3), torch.zeros(5), torch.eye(3)).item() == pytest.approx(np.log(3))


@pytest.mark.parametrize("label", [3, -1, -100])
def test_a_label_that_is_no_class(build, label):
    layer = build(_layer(), (2, 3), (2,), (3, 3))
    with pytest.raises(IndexError):
        layer(torch.ones(2, 3), torch.tensor([0.0, label]), torch.eye(3))


def test_shapes(rejects):
    rejects("the matrix must have 3x3 elements", '"b2"', _layer(), (2, 3), (2,), (3, 4))
    rejects("as many labels as scores without axis 1 are needed: 2, not 3", '"b1"', _layer(), (2, 3), (3,))
    rejects("axis 2 of a blob with 2 axes", "2", _layer("axis: 2"), (2, 3), (2,), (3, 3))


def test_source(rejects, matrix_file):
    rejects("has no matrix", "layer", _layer(), (2, 3), (2,))
    rejects("no such file: 'gone'", '"gone"', _layer('source: "gone"'), (2, 3), (2,))
    path = matrix_file(np.eye(2))
    rejects("has 4 numbers, not 3x3", f'"{path}"', _layer(f'source: "{path}"'), (2, 3), (2,))
    path.write_bytes(b"\xff\xff")
    rejects("no binaryproto of a matrix", f'"{path}"', _layer(f'source: "{path}"'), (2, 3), (2,))
