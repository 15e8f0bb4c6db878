import torch

from netspec.solver.loss_scale import LossScale

CPU = torch.device("cpu")


def test_gradients_get_their_size_back():
    scale, gradient = LossScale(CPU), torch.tensor([1.0, 2.0])
    scaled = gradient * scale.factor
    scale.unscale([scaled, None])
    torch.testing.assert_close(scaled, gradient)
    assert not scale.overflowed


def test_an_overflow_halves_the_factor():
    scale = LossScale(CPU)
    before = scale.factor.item()
    scale.unscale([torch.tensor([1.0, float("inf")])])
    assert scale.overflowed
    assert scale.factor.item() == before / 2
    scale.unscale([torch.ones(2)])
    assert not scale.overflowed
    assert scale.factor.item() == before / 2


def test_the_factor_doubles_after_a_long_time_without():
    scale = LossScale(CPU)
    before = scale.factor.item()
    for _ in range(2000):
        scale.unscale([torch.ones(1)])
    assert scale.factor.item() == before * 2


def test_nothing_to_unscale():
    scale = LossScale(CPU)
    scale.unscale([None])
    assert not scale.overflowed


def test_it_goes_on_where_another_stood():
    scale, other = LossScale(CPU), LossScale(CPU)
    scale.unscale([torch.tensor([float("inf")])])
    for _ in range(3):
        scale.unscale([torch.ones(1)])
    other.set(*scale.get())
    assert other.get() == scale.get() == (2.0**9, 3)
