import numpy as np
import pytest
import torch

from netspec.errors import ShapeError


@pytest.mark.parametrize("selector", [(5,), (5, 1), (5, 1, 1, 1)])
def test_values_and_gradient(build, gradcheck, randn, selector):
    layer = build('type: "Filter"', (5, 3), (5,), selector, tops=2)
    a, b = randn(5, 3), randn(5)
    chosen = torch.tensor([0, 1, 0, -2, 0.5], dtype=torch.float64).reshape(selector)
    tops = layer(a, b, chosen)
    for top, bottom in zip(tops, (a, b), strict=True):
        np.testing.assert_array_equal(top.detach(), bottom.detach().numpy()[[1, 3, 4]])
    gradcheck(layer, a, b, chosen)


def test_the_graph_counts_with_all_items(build):
    assert build('type: "Filter"', (5, 3), (5,), (5, 1), tops=2).shapes == [(5, 3), (5,)]


def test_nothing_selected(build):
    x = torch.ones(4, 3, requires_grad=True)
    top = build('type: "Filter"', (4, 3), (4,))(x, torch.zeros(4))
    assert top.shape == (0, 3)
    top.sum().backward()
    assert x.grad.tolist() == [[0] * 3] * 4


def test_a_top_for_each_bottom_but_the_selector(rejects):
    text = 'type: "Filter"'
    rejects("a top for each bottom but the selector, 2, not 1", '"t0"', text, (5,), (5,), (5,))
    rejects("a top for each bottom but the selector, 1, not 2", '"t0"', text, (5,), (5,), tops=2)


@pytest.mark.parametrize("selector", [(), (5, 2)])
def test_one_entry_per_item(rejects, selector):
    rejects("one entry per item", '"b1"', 'type: "Filter"', (5, 3), selector, error=ShapeError)


def test_as_many_items_as_entries(rejects):
    rejects("as many items as the selector", '"b1"', 'type: "Filter"', (5,), (4,), (5,), tops=2)


def test_a_selector_alone(rejects):
    rejects("takes at least 2 bottoms, not 1", "layer", 'type: "Filter"', (5,))
