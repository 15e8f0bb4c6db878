import pytest

from netspec.errors import WeightsError
from netspec.schema.messages import TrainerState
from netspec.weights.state import State, read_trainer


def test_a_state_that_says_nothing_is_a_solvers_first():
    state = State()
    assert (state.iteration, state.current_step, state.history, state.trainer) == (0, 0, [], None)


def test_what_is_kept_of_a_trainer():
    trainer = TrainerState(random_seed=3, type="Adam")
    assert read_trainer(trainer.SerializeToString(), "x") == trainer
    with pytest.raises(WeightsError, match=r"^x: error: expected a trainer's state"):
        read_trainer(b"\x0a", "x")
