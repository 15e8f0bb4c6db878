import os
from pathlib import Path

import pytest

from netspec.errors import NetError, SolverError
from netspec.schema.document import Document
from netspec.schema.messages import TEST, TRAIN
from netspec.solver.settings import load_settings


@pytest.fixture
def rejects(write):
    """Asserts that a solver is refused with this message, at this text."""

    def check(fields, message, marked=None, **options):
        with pytest.raises(SolverError) as caught:
            load_settings(write(fields, **options))
        assert message in str(caught.value)
        span = next(d.span for d in caught.value.diagnostics if message in d.message)
        if marked is not None:
            assert span.source.text[span.start : span.end] == marked
        return caught.value

    return check


BARE = 'base_lr: 0.1\nlr_policy: "fixed"\n'


def test_a_solver_without_a_net(rejects):
    rejects("", "the solver names no train net: expected net, net_param", solver=BARE)


def test_two_train_nets(rejects):
    rejects('train_net: "other.prototxt"', "a second train net: 'net' names one already", '"other.prototxt"')


@pytest.mark.parametrize(
    ("fields", "message", "marked"),
    [
        ("test_iter: 5", "expected a positive test_interval", "5"),
        ("test_iter: 5\ntest_interval: -1", "expected a positive test_interval", "-1"),
        ("test_iter: 0\ntest_interval: 5", "expected a positive number of batches, not 0", "0"),
        (
            'test_net: "net.prototxt"\ntest_interval: 5',
            "expected 1 test_iter, one for each test net, not 0",
            '"net.prototxt"',
        ),
        (
            "test_iter: 5\ntest_interval: 5\ntest_state {}\ntest_state {}",
            "one test_state for each of the 1",
            "test_state",
        ),
        ('lr_policy: "stepp"', "unknown lr_policy 'stepp'", '"stepp"'),
        ('lr_policy: "step"\ngamma: 0.1', "the lr_policy 'step' needs stepsize", '"step"'),
        ('lr_policy: "step"\ngamma: 0.1\nstepsize: 0', "needs a positive stepsize, not 0", "0"),
        ('lr_policy: "inv"\ngamma: 0.1', "the lr_policy 'inv' needs power", '"inv"'),
        ('lr_policy: "poly"\npower: 1', "the lr_policy 'poly' needs max_iter", '"poly"'),
        ('lr_policy: "multistep"\ngamma: 0.1', "needs at least one stepvalue", '"multistep"'),
        ('lr_policy: "plateau"\ngamma: 0.1', "needs at least one plateau_winsize", '"plateau"'),
        ('lr_policy: "plateau"\nplateau_winsize: 5', "the lr_policy 'plateau' needs gamma", '"plateau"'),
        (
            'lr_policy: "plateau"\ngamma: 0.1\nplateau_winsize: 5\nplateau_winsize: 0',
            "expected a positive plateau_winsize, not 0",
            "0",
        ),
        (
            'lr_policy: "multistep"\ngamma: 0.1\nstepvalue: 9\nstepvalue: 5',
            "in rising order, not 5 after 9",
            "5",
        ),
        ("average_loss: 0", "expected average_loss to be at least 1, not 0", "0"),
        ("iter_size: 0", "expected iter_size to be at least 1, not 0", "0"),
        ("max_iter: -5", "expected max_iter to be at least 0, not -5", "-5"),
        ('regularization_type: "L3"', "expected L1 or L2, not 'L3'", '"L3"'),
        ('type: "Sgd"', "the solver type 'Sgd' is unknown", '"Sgd"'),
        ("base_lr: nan", "expected base_lr to be a finite number, not nan", "nan"),
        ("base_lr: -0.1", "expected base_lr to be at least 0, not -0.1", "-0.1"),
        ("base_lr: -inf", "expected base_lr to be a finite number, not -inf", "-inf"),
        ("weight_decay: -1", "expected weight_decay to be at least 0, not -1", "-1"),
        ("weight_decay: inf", "expected weight_decay to be a finite number, not inf", "inf"),
        ("clip_gradients: nan", "expected clip_gradients to be a finite number, not nan", "nan"),
        ("power: nan", "expected power to be a finite number, not nan", "nan"),
        ("momentum: -0.5", "expected momentum to be at least 0 and less than 1, not -0.5", "-0.5"),
        ("momentum: 1", "expected momentum to be at least 0 and less than 1, not 1", "1"),
        ("momentum: nan", "expected momentum to be a finite number, not nan", "nan"),
        ('type: "Adam"\nmomentum2: 1.5', "momentum2 to be at least 0 and less than 1, not 1.5", "1.5"),
        ('type: "AdaDelta"\ndelta: -1', "expected delta to be at least 0, not -1", "-1"),
        ('type: "AdaGrad"', "AdaGrad has no momentum, but momentum is 0.9", "0.9"),
        ('type: "RMSProp"', "RMSProp has no momentum, but momentum is 0.9", "0.9"),
        ('type: "RMSProp"\nmomentum: 0\nrms_decay: 1', "rms_decay to be at least 0 and less than 1", "1"),
        ('lr_policy: "exp"\ngamma: -0.5', "expected gamma to be at least 0, not -0.5", "-0.5"),
        ("rampup_interval: 100", "rampup_interval is not available", "100"),
        ('momentum_policy: "poly"', "momentum_policy is not available", '"poly"'),
        ("larc: true", "larc is not available", "true"),
        ('type: "SGD"\nsolver_type: SGD', "both type and the old solver_type are given", "SGD"),
    ],
)
def test_contradictions_are_found_where_they_are(rejects, fields, message, marked):
    error = rejects(fields, message, marked)
    assert len(error.diagnostics) == 1


def test_a_misspelt_policy_is_guessed(rejects):
    assert "did you mean 'step'?" in str(rejects('lr_policy: "stepp"', "unknown lr_policy 'stepp'"))


def test_missing_rate_and_policy_are_reported_together(rejects):
    error = rejects("", "the solver has no base_lr", solver='net: "net.prototxt"\n')
    assert [d.message for d in error.diagnostics] == [
        "the solver has no base_lr",
        "the solver has no lr_policy",
    ]


def test_a_missing_net_file_names_both_places(write):
    with pytest.raises(NetError, match=r"the solver's net: no such file: 'none.prototxt'"):
        load_settings(write('net: "none.prototxt"'))


def test_a_net_beside_the_solver_is_found_from_elsewhere(write, tmp_path, monkeypatch):
    path = write()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_settings(path).train.net == tmp_path / "net.prototxt"


def test_test_nets_come_in_caffes_order(write, tmp_path):
    (tmp_path / "other.prototxt").write_text('name: "other"')
    fields = """test_net_param { name: "inline" }
test_net: "other.prototxt"
test_iter: 1
test_iter: 2
test_iter: 3
test_iter: 4
test_interval: 10
train_state { stage: "aug" level: 2 }
test_state { }
test_state { stage: "a" }
test_state { stage: "b" stage: "c" }
test_state { level: 5 }"""
    settings = load_settings(write(fields))
    inline, *others = settings.tests
    assert isinstance(inline.net, Document)
    assert inline.net.message.name == "inline"
    assert [str(test.net) for test in others] == ["other.prototxt", "net.prototxt", "net.prototxt"]
    assert [test.batches for test in settings.tests] == [1, 2, 3, 4]
    assert [list(test.state.stage) for test in settings.tests] == [[], ["a"], ["b", "c"], []]
    assert [test.phase for test in settings.tests] == [TEST] * 4
    assert settings.tests[3].state.level == 5
    assert (settings.train.phase, list(settings.train.state.stage)) == (TRAIN, ["aug"])


def test_a_message_is_as_good_as_a_file(write):
    message = load_settings(write()).message
    assert load_settings(message).message == message
    message.ClearField("base_lr")
    with pytest.raises(SolverError, match="<message>:1:1: error: the solver has no base_lr"):
        load_settings(message)


OLD_TYPES = {"SGD": "SGD", "NESTEROV": "Nesterov", "ADADELTA": "AdaDelta", "ADAM": "Adam"}
WITHOUT_MOMENTUM = {"ADAGRAD": "AdaGrad", "RMSPROP": "RMSProp"}


@pytest.mark.parametrize(("old", "new"), {**OLD_TYPES, **WITHOUT_MOMENTUM}.items())
def test_the_old_solver_type(write, old, new):
    momentum = "momentum: 0\n" if old in WITHOUT_MOMENTUM else ""
    assert load_settings(write(f"{momentum}solver_type: {old}")).type == new


def test_an_old_solver_type_of_a_fork(rejects):
    rejects("solver_type: SAG", "the solver type 'SAG' is unknown", "SAG")


def test_what_a_rule_does_not_read_may_be_anything(write):
    assert load_settings(write("rms_decay: 2\nmomentum2: 5\ndelta: -1")).type == "SGD"


def test_a_sigmoid_falls_where_gamma_is_negative(write):
    load_settings(write('lr_policy: "sigmoid"\ngamma: -0.5\nstepsize: 5'))


def test_what_is_not_finite_is_said_once(rejects):
    assert len(rejects("momentum: inf\nbase_lr: nan", "momentum to be a finite number").diagnostics) == 2


@pytest.mark.parametrize(
    ("fields", "message", "marked"),
    [
        (
            'net: ""\ntest_net: "a"\ntest_net: "b"\ntest_iter: 1\ntest_interval: 5',
            "expected 2 test_iter, one for each test net, not 1",
            "1",
        ),
        (
            'train_net: "a"\ntest_net: "b"\ntest_iter: 1\ntest_iter: 2\ntest_interval: 5',
            "expected 1 test_iter, one for each test net, not 2",
            "2",
        ),
        ('train_net: "a"\ntest_iter: 7\ntest_interval: 5', "expected 0 test_iter", "7"),
        (
            'net: "a"\ntest_iter: 7\ntest_iter: 8\ntest_interval: 5\ntest_state { }',
            "expected one test_state for each of the 2 test nets, not 1",
            "test_state",
        ),
    ],
)
def test_counts_of_test_nets_that_do_not_fit(rejects, fields, message, marked):
    bare = 'base_lr: 0.1\nlr_policy: "fixed"\n'
    rejects(fields, message, marked, solver=bare)


def test_weights_may_be_a_list(write, tmp_path):
    for name in "abc":
        (tmp_path / name).touch()
    settings = load_settings(write('weights: "a, b"\nweights: "c"'))
    assert [str(path) for path in settings.weights] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("given", "prefix"), [('snapshot_prefix: "out/x"', "out/x"), ('snapshot_prefix: "out"', "out/solver")]
)
def test_the_prefix_may_be_a_folder(write, tmp_path, given, prefix):
    (tmp_path / "out").mkdir()
    assert load_settings(write(given)).prefix == prefix


@pytest.mark.parametrize(
    ("given", "prefix"), [("out/x", "out/x"), ("out/", "out/solver"), ("out", "out"), ("x", "x")]
)
def test_the_prefix_is_looked_for_in_the_working_directory_then_beside_the_solver(
    write, tmp_path, monkeypatch, given, prefix
):
    solver, elsewhere = write(f'snapshot_prefix: "{given}"'), tmp_path / "elsewhere"
    (tmp_path / "out").mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    beside = tmp_path if given.startswith("out/") else Path()
    assert load_settings(solver).prefix == str(beside / prefix)


def test_a_folder_that_is_missing_is_found_out_before_training(write):
    with pytest.raises(SolverError, match="the folder 'none'"):
        load_settings(write('snapshot_prefix: "none/"')).check_snapshot_folder()


def test_without_a_prefix_snapshots_are_named_like_the_solver(write, tmp_path):
    path = write('snapshot_prefix: ""')
    assert load_settings(path).prefix == str(tmp_path / "solver")
    assert load_settings(os.path.relpath(path)).prefix == "solver"


def test_a_folder_that_cannot_be_written_to(write):
    settings = load_settings(write('snapshot_prefix: "none/x"'))
    with pytest.raises(SolverError, match="snapshots cannot be written to the folder 'none'") as caught:
        settings.check_snapshot_folder()
    span = caught.value.diagnostics[0].span
    assert span.source.text[span.start : span.end] == '"none/x"'
