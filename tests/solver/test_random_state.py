import pytest
import torch

from netspec.solver.random_state import RandomState

CPU = torch.device("cpu")


def test_the_numbers_follow_from_the_seed_whoever_else_draws():
    first, second, drawn = RandomState(CPU, 5), RandomState(CPU, 5), []
    for state in (first, second):
        with state.installed():
            drawn.append(torch.rand(3))
        torch.rand(7)
        with state.installed(), state.installed():
            drawn.append(torch.rand(3))
    assert torch.equal(drawn[0], drawn[2])
    assert torch.equal(drawn[1], drawn[3])


def test_others_do_not_notice():
    torch.manual_seed(1)
    expected = torch.rand(4)
    torch.manual_seed(1)
    with pytest.raises(RuntimeError), RandomState(CPU, 5).installed():
        torch.rand(9).view(2, 2)
    assert torch.equal(torch.rand(4), expected)


def test_bytes_bring_it_back_even_from_inside():
    state, other = RandomState(CPU, 5), RandomState(CPU, 6)
    with state.installed():
        torch.rand(9)
        other.set_bytes(state.to_bytes())
        expected = torch.rand(4)
    with other.installed():
        assert torch.equal(torch.rand(4), expected)


def test_bytes_that_are_no_state():
    with pytest.raises(ValueError, match="RNG"):
        RandomState(CPU, 5).set_bytes(b"abc")


def test_no_bytes_change_nothing():
    state = RandomState(CPU, 5)
    before = state.to_bytes()
    state.set_bytes(b"")
    assert state.to_bytes() == before
