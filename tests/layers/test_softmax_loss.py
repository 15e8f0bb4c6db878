import numpy as np
import pytest
import torch


def _layer(param=""):
    return f'type: "SoftmaxWithLoss" {param}'


def _reference(x, labels, axis, ignored=None):
    """The sum of the losses, and the number of labels that count."""
    exp = np.exp(x)
    p = np.moveaxis(exp / exp.sum(axis, keepdims=True), axis, -1).reshape(-1, x.shape[axis])
    chosen = [row[label] for row, label in zip(p, labels.flatten(), strict=True) if label != ignored]
    return -np.log(chosen).sum(), len(chosen)


@pytest.mark.parametrize(
    ("param", "divisor"),
    [
        ("", "valid"),
        ("loss_param { normalization: FULL }", "full"),
        ("loss_param { normalization: VALID }", "valid"),
        ("loss_param { normalization: BATCH_SIZE }", "batch"),
        ("loss_param { normalization: NONE }", "none"),
        ("loss_param { normalize: true }", "valid"),
        ("loss_param { normalize: false }", "batch"),
        ("loss_param { normalize: false normalization: FULL }", "full"),
    ],
)
@pytest.mark.parametrize("ignored", [None, 1])
def test_values_and_gradient(build, gradcheck, randn, rng, param, divisor, ignored):
    if ignored is not None:
        param += f" loss_param {{ ignore_label: {ignored} }}"
    param = param.replace("} loss_param {", "")
    layer, x = build(_layer(param), (2, 4, 3), (2, 1, 3)), randn(2, 4, 3)
    labels = rng.integers(4, size=(2, 1, 3))
    labels[0, 0, 0] = 1
    total, valid = _reference(x.detach().numpy(), labels, 1, ignored)
    expected = total / {"valid": valid, "full": 6, "batch": 2, "none": 1}[divisor]
    assert layer(x, torch.tensor(labels, dtype=torch.float32)).item() == pytest.approx(expected)
    assert layer.shapes == [()]
    gradcheck(layer, x, torch.tensor(labels, dtype=torch.float64))


@pytest.mark.parametrize(
    ("axis", "shape", "labels"), [(2, (2, 3, 4), (2, 3)), (-1, (2, 5), (2,)), (0, (3, 4), (4,))]
)
def test_axis_and_second_top(build, gradcheck, randn, rng, axis, shape, labels):
    layer = build(_layer(f"softmax_param {{ axis: {axis} }}"), shape, labels, tops=2)
    x, target = randn(*shape), rng.integers(shape[axis], size=labels)
    loss, p = layer(x, torch.tensor(target, dtype=torch.float64))
    total, count = _reference(x.detach().numpy(), target, axis)
    assert loss.item() == pytest.approx(total / count)
    np.testing.assert_allclose(p, torch.softmax(x, axis).detach())
    assert not p.requires_grad  # in Caffe no gradient passes through it
    assert layer.shapes == [(), shape]
    gradcheck(layer, x, torch.tensor(target, dtype=torch.float64))


def test_the_normaliser_is_at_least_one(build):
    layer = build(_layer("loss_param { ignore_label: 2 }"), (2, 3), (2,))
    x = torch.zeros(2, 3, requires_grad=True)
    loss = layer(x, torch.full((2,), 2.0))
    loss.backward()
    assert loss.item() == 0
    assert x.grad.eq(0).all()


def test_an_ignored_label_need_not_be_a_class(build):
    layer = build(_layer("loss_param { ignore_label: 255 }"), (2, 3), (2,))
    assert layer(torch.zeros(2, 3), torch.tensor([255.0, 0.0])).item() == pytest.approx(np.log(3))


def test_the_number_is_limited_the_gradient_is_not(build):
    layer = build(_layer(), (1, 2), (1,))
    x = torch.tensor([[0.0, 500.0]], requires_grad=True)
    loss = layer(x, torch.zeros(1))
    loss.backward()
    assert loss.item() == pytest.approx(87.3365, abs=1e-4)
    assert x.grad.tolist() == [[-1, 1]]


def test_label_smoothing(build, gradcheck, randn):
    layer = build(_layer("loss_param { label_smoothing: 0.1 ignore_label: 9 }"), (3, 4), (3,))
    x, labels = randn(3, 4), torch.tensor([2.0, 9.0, 0.0])
    p = np.exp(x.detach().numpy())
    p /= p.sum(1, keepdims=True)
    weights = np.full((2, 4), 0.1 / 4)
    weights[[0, 1], [2, 0]] += 0.9
    expected = -(weights * np.log(p[[0, 2]])).sum() / 2
    assert layer(x, labels).item() == pytest.approx(expected)
    gradcheck(layer, x, labels)


def test_label_smoothing_is_a_share(rejects):
    text = _layer("loss_param { label_smoothing: 1 }")
    rejects("label_smoothing must be at least 0, and less than 1", "1", text, (2, 3), (2,))


def test_minus_100_is_a_label_like_any_other(build):
    with pytest.raises(IndexError):
        build(_layer(), (2, 3), (2,))(torch.ones(2, 3), torch.tensor([0.0, -100.0]))


def test_another_batch_than_the_text_s(build):
    layer = build(_layer(), (2, 3), (2,))
    assert layer(torch.zeros(5, 3), torch.zeros(5)).item() == pytest.approx(np.log(3))


def test_label_count(rejects):
    message = "on b0 2x3x4, b1 2: as many labels as scores without axis 1 are needed: 8, not 2"
    rejects(message, '"b1"', _layer(), (2, 3, 4), (2,))


def test_no_such_axis(rejects):
    rejects("axis 2 of a blob with 2 axes", "2", _layer("softmax_param { axis: 2 }"), (2, 3), (2,))
