import numpy as np
import pytest
import torch


@pytest.mark.parametrize(("param", "axis"), [("", 1), ("axis: 0", 0), ("axis: -1", 2)])
def test_values_and_gradient(build, gradcheck, randn, param, axis):
    layer, x = build(f'type: "Tile" tile_param {{ tiles: 3 {param} }}', (2, 3, 4)), randn(2, 3, 4)
    np.testing.assert_array_equal(layer(x).detach(), np.concatenate([x.detach().numpy()] * 3, axis))
    gradcheck(layer, x)


def test_a_single_copy_and_another_batch(build):
    assert build('type: "Tile" tile_param { tiles: 1 }', (2, 3))(torch.ones(5, 3)).shape == (5, 3)


def test_tiles_missing(rejects):
    rejects("tiles must be given and at least 1", "layer", 'type: "Tile"', (2, 3))


@pytest.mark.parametrize("tiles", ["0", "-1"])
def test_too_few_tiles(rejects, tiles):
    rejects(
        "tiles must be given and at least 1", tiles, f'type: "Tile" tile_param {{ tiles: {tiles} }}', (2, 3)
    )


def test_no_such_axis(rejects):
    rejects("no axis 2 of a blob", "2", 'type: "Tile" tile_param { tiles: 3 axis: 2 }', (4, 5))
