import torch


def test_gradients_add_up(build, gradcheck, randn):
    layer, x = build('type: "Split"', (2, 3), tops=3), randn(2, 3)
    tops = layer(x)
    assert len(tops) == 3
    assert all(torch.equal(top, x) for top in tops)
    gradcheck(layer, x)


def test_a_single_top_is_a_tensor(build):
    x = torch.ones(2, 3)
    assert torch.equal(build('type: "Split"', (2, 3))(x), x)
