"""gflags' spellings, and the flags that verbs share."""

from __future__ import annotations

import pytest

from netspec.cli import flags, main
from netspec.errors import UsageError


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("-solver", "--solver"),
        ("--solver", "--solver"),
        ("-solver=a_b.prototxt", "--solver=a_b.prototxt"),
        ("--sigint_effect", "--sigint-effect"),
        ("-sigint-effect=stop", "--sigint-effect=stop"),
        ("-h", "--help"),
        ("-help", "--help"),
        ("my_net.prototxt", "my_net.prototxt"),
        ("-1", "-1"),
        ("-", "-"),
        ("--", "--"),
    ],
)
def test_spelled(typed: str, known: str) -> None:
    assert flags.spelled(typed) == known


@pytest.mark.parametrize(
    "argv",
    [
        ["-level", "2", "-stage", "a,b"],
        ["-level=2", "-stage=a,b"],
        ["--level", "2", "--stage", "a,b"],
        ["--level=2", "--stage=a,b"],
    ],
)
def test_all_spellings_mean_the_same(argv):
    parser = flags.Parser(prog="netspec verb")
    flags.add_state(parser, phase="TEST")
    assert flags.state(parser.read(argv)) == {"phase": "TEST", "level": 2, "stages": ["a", "b"]}


def test_phase_in_any_case_and_nothing_else():
    parser = flags.Parser(prog="netspec verb")
    flags.add_state(parser, phase="TEST")
    assert flags.state(parser.read(["-phase", "train"]))["phase"] == "TRAIN"
    with pytest.raises(UsageError, match="expected TRAIN or TEST, not 'TRIAN'"):
        parser.read(["-phase", "trian"])


def test_unknown_flag_names_the_nearest(capsys):
    assert main(["train", "-sovler=x.prototxt"]) == 2
    error = capsys.readouterr().err
    assert "unknown flag '-sovler'" in error
    assert "did you mean '--solver'?" in error


@pytest.mark.parametrize("argv", [["train"], ["train", "-solver"], ["summary"], ["summary", "a", "b"]])
def test_missing_and_extra_arguments(argv, capsys):
    assert main(argv) == 2
    assert f"`netspec {argv[0]} --help`" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "-3", "many", "1.5"])
def test_a_count_is_a_positive_whole_number(value, capsys):
    assert main(["time", "-model", "x", f"-iterations={value}"]) == 2
    assert f"not '{value}'" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["9999", "0,9999", "all,", "x", ","])
def test_gpus_that_are_not_there(value, capsys):
    import torch

    if value == "all," and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert main(["time", "-model", "x", f"-gpu={value}"]) == 2
    assert "-gpu" in capsys.readouterr().err


def test_without_gpu_flag_no_device():
    parser = flags.Parser(prog="netspec verb")
    flags.add_gpu(parser)
    assert flags.device(parser.read([])) is None


def test_gpu_list_means_its_first(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    parser = flags.Parser(prog="netspec verb")
    flags.add_gpu(parser)
    assert [flags.device(parser.read(["-gpu", ids])) for ids in ("2,3", "all", "0")] == [
        "cuda:2",
        "cuda:0",
        "cuda:0",
    ]


@pytest.mark.parametrize(
    ("words", "on"),
    [
        (["-gray"], True),
        (["--gray=true"], True),
        (["-gray=1"], True),
        (["-gray=False"], False),
        (["-nogray"], False),
        (["-gray", "-gray=false"], False),
        (["-nogray", "-gray"], True),
        ([], False),
    ],
)
def test_switches_in_gflags_way(words, on):
    parser = flags.Parser(prog="netspec verb")
    parser.add_argument("--gray", action="store_true")
    parser.add_argument("file")
    assert vars(parser.read([*words, "x"])) == {"gray": on, "file": "x"}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("-gray=maybe", "--gray: expected true or false, not 'maybe'"),
        ("-gray=", "--gray: expected true or false, not ''"),
        ("-nogrey", "unknown flag '-nogrey'"),
        ("-nosize", "unknown flag '-nosize'"),
    ],
)
def test_switches_take_nothing_else(word, message):
    parser = flags.Parser(prog="netspec verb")
    parser.add_argument("--gray", action="store_true")
    parser.add_argument("--size")
    with pytest.raises(UsageError, match=message):
        parser.read([word])
