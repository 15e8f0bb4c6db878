import pytest
import torch
from torch.nn import functional as F

from netspec.layers.sampling import MODES, PADDINGS, gather_sample, sample


@pytest.fixture
def image():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 5, 7, dtype=torch.float64, generator=generator, requires_grad=True)


@pytest.fixture
def grid():
    """Inside, outside and far outside."""
    generator = torch.Generator().manual_seed(1)
    places = 1.5 * torch.randn(2, 4, 6, 2, dtype=torch.float64, generator=generator)
    places[0, 0, 0], places[1, 0, 0] = 40.3, -17.9
    return places.requires_grad_()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("aligned", [False, True])
def test_tap_by_tap_as_pytorch_samples(image, grid, mode, padding, aligned):
    ours = gather_sample(image, grid, mode=mode, padding=padding, aligned=aligned)
    theirs = F.grid_sample(image, grid, mode, padding, aligned)
    torch.testing.assert_close(ours, theirs)
    above = torch.linspace(-1, 1, ours.numel(), dtype=torch.float64).reshape(ours.shape)
    found = torch.autograd.grad(ours, (image, grid), above, allow_unused=True)
    expected = torch.autograd.grad(theirs, (image, grid), above)
    torch.testing.assert_close(found[0], expected[0])
    if mode != "nearest":  # where there is no gradient to the grid
        torch.testing.assert_close(found[1], expected[1])


def test_an_image_of_one_pixel(grid):
    image = torch.ones(2, 1, 1, 1, dtype=torch.float64)
    for padding in PADDINGS:
        for aligned in (False, True):
            ours = gather_sample(image, grid, mode="bilinear", padding=padding, aligned=aligned)
            torch.testing.assert_close(ours, F.grid_sample(image, grid, "bilinear", padding, aligned))


def test_what_is_no_number_reads_nothing(image, grid):
    places = grid.detach().clone()
    places[0, 1, 1], places[0, 1, 2, 0] = float("nan"), float("inf")
    top = gather_sample(image, places, mode="bilinear", padding="zeros", aligned=False)
    assert top[0, :, 1, 1:3].eq(0).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_the_gradient_to_the_image_can_be_deterministic(image, grid):
    image, grid = image.detach().float().cuda().requires_grad_(), grid.detach().float().cuda()
    torch.use_deterministic_algorithms(True)
    try:
        grads = [torch.autograd.grad(sample(image, grid).square().sum(), image)[0] for _ in range(5)]
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(grad.equal(grads[0]) for grad in grads)
    torch.testing.assert_close(
        grads[0],
        torch.autograd.grad(F.grid_sample(image, grid, align_corners=False).square().sum(), image)[0],
    )
