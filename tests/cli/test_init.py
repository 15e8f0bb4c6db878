"""The dispatch: verbs, help, exit statuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import netspec
from netspec.cli import VERBS, main

COMMAND = [sys.executable, "-m", "netspec"]


def test_overview_names_all_verbs(capsys):
    for argv in ([], ["--help"], ["-h"], ["help"]):
        assert main(argv) == 0
        out = capsys.readouterr().out
        assert all(f"\n  {verb} " in out for verb in VERBS)


def test_every_verb_is_a_file_and_every_other_file_is_none():
    folder = Path(netspec.__file__).parent / "cli"
    files = {path: path.stem for path in folder.glob("*.py")}
    files |= {path: path.parent.name for path in folder.glob("*/__init__.py")}
    helpful = {name for path, name in files.items() if "\nHELP = " in path.read_text(encoding="utf-8")}
    assert helpful == set(VERBS)


def test_tools_of_a_verb(capsys):
    assert main(["data"]) == 0
    assert "\n  compute-mean " in capsys.readouterr().out
    assert main(["data", "compute_mean", "-h"]) == 0
    assert "usage: netspec data compute-mean" in capsys.readouterr().out
    assert main(["data", "convert"]) == 2
    assert capsys.readouterr().err.startswith("error: unknown tool 'convert'\n")
    assert main(["data", "-gray"]) == 2
    assert capsys.readouterr().err.startswith("error: no tool\n")


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb(verb, capsys):
    assert main([verb, "--help"]) == 0
    assert f"usage: netspec {verb}" in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"netspec {netspec.__version__}\n"


def test_unknown_verb_names_the_nearest(capsys):
    assert main(["trian", "-solver", "x"]) == 2
    captured = capsys.readouterr()
    assert "unknown verb 'trian'" in captured.err
    assert "did you mean 'train'?" in captured.err
    assert captured.out == ""


def test_flags_without_verb(capsys):
    assert main(["-solver", "x"]) == 2
    assert "no verb" in capsys.readouterr().err


def test_flags_may_stand_before_the_verb(folder, capsys):
    assert main(["-phase=TRAIN", "summary", "net.prototxt"]) == 0
    assert "judge" not in capsys.readouterr().out


def test_wrong_input_is_status_1_with_a_diagnostic(folder, capsys):
    assert main(["summary", "nett.prototxt"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("nett.prototxt: error: no such file")
    assert "net.prototxt" in captured.err.partition("help:")[2]


def test_a_bug_keeps_its_traceback(monkeypatch):
    def broken(args):
        raise ZeroDivisionError

    monkeypatch.setattr("netspec.cli.layers.run", broken)
    with pytest.raises(ZeroDivisionError):
        main(["layers"])


def test_interrupt_is_no_traceback(monkeypatch):
    def interrupted(args):
        raise KeyboardInterrupt

    monkeypatch.setattr("netspec.cli.layers.run", interrupted)
    assert main(["layers"]) == 130


def test_help_loads_nothing_heavy():
    script = (
        "import sys; from netspec.cli import main; main(['--help']);"
        "print(*{'torch', 'numpy', 'rich', 'lark', 'google', 'cv2'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
    assert "usage: netspec" in done.stdout


def test_a_reader_that_leaves_is_no_traceback():
    # stdout is closed before the first line is written, and flushed once more as the process ends.
    process = subprocess.Popen([*COMMAND, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), error) == (141, b"")
