import numpy as np
import pytest
import torch


def _layer(param):
    return f'type: "ShuffleChannel" shuffle_channel_param {{ {param} }}'


@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 3, 2)])
@pytest.mark.parametrize("group", [1, 2, 3, 6])
def test_values_and_gradient(build, gradcheck, randn, group, shape):
    layer, x = build(_layer(f"group: {group}"), shape), randn(*shape)
    order = [g * (6 // group) + i for i in range(6 // group) for g in range(group)]
    np.testing.assert_array_equal(layer(x).detach(), x.detach().numpy()[:, order])
    gradcheck(layer, x)


def test_without_a_group_nothing_moves(build, randn):
    x = randn(2, 6)
    assert torch.equal(build('type: "ShuffleChannel"', (2, 6))(x), x)


def test_another_batch_than_the_text_s(build):
    assert build(_layer("group: 2"), (2, 6, 4, 4))(torch.ones(7, 6, 4, 4)).shape == (7, 6, 4, 4)


def test_channels_do_not_divide(rejects):
    rejects("axis 1, must divide into 4 equal groups", "4", _layer("group: 4"), (2, 6))


def test_channels_are_needed(rejects):
    rejects("axis 1, must divide into 2 equal groups", "2", _layer("group: 2"), (6,))


def test_no_groups(rejects):
    rejects("group must be at least 1", "0", _layer("group: 0"), (2, 6))
