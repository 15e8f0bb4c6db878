"""`python -m netspec.pycaffe`: scripts as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2]


@pytest.fixture
def run(folder, monkeypatch):
    """Runs a script of this text, in a folder below the working directory."""
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE))

    def run(text, *args, script="scripts/script.py"):
        path = Path(script)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return subprocess.run(
            [sys.executable, "-m", "netspec.pycaffe", script, *args],
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_script_finds_what_it_would_find_without(run):
    Path("scripts").mkdir()
    Path("scripts/beside.py").write_text("import pathlib\nfolder = str(pathlib.Path(__file__).parent)\n")
    done = run(
        "import sys, caffe, caffe.proto.caffe_pb2, __main__\n"
        "from caffe import layers as L\n"
        "import netspec.pycaffe\n"
        "import beside\n"
        "print(__name__, __file__, sys.argv, sys.path[0] == beside.folder, caffe is netspec.pycaffe)\n"
        "print(__main__.__file__ == __file__, sys.modules['__main__'] is __main__)\n",
        "-h",
        "--flag",
    )
    assert (done.stderr, done.returncode) == ("", 0)
    first, second = done.stdout.splitlines()
    script = "scripts/script.py"
    assert first == f"__main__ {Path(script).absolute()} ['{script}', '-h', '--flag'] True True"
    assert second == "True True"


def test_processes_that_a_script_starts_find_caffe_too(run):
    done = run(
        "import multiprocessing, caffe, caffe.proto.caffe_pb2 as pb2\n"
        "def work(queue): queue.put([caffe.__name__, caffe.proto.caffe_pb2 is pb2])\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    queue = context.Queue()\n"
        "    process = context.Process(target=work, args=(queue,))\n"
        "    process.start()\n"
        "    process.join()\n"
        "    print(queue.get(timeout=5) if process.exitcode == 0 else process.exitcode)\n"
    )
    assert (done.stdout, done.stderr) == ("['netspec.pycaffe', True]\n", "")


@pytest.mark.parametrize(
    ("text", "code", "err"),
    [
        ("", 0, ""),
        ("import sys; sys.exit()", 0, ""),
        ("raise SystemExit(3)", 3, ""),
        ("import sys; sys.exit('no more')", 1, "no more\n"),
    ],
)
def test_exit_codes(run, text, code, err):
    done = run(text)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", err)


def test_a_traceback_starts_in_the_script(run):
    done = run("def fail():\n    return 1 / 0\n\nfail()\n")
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[0] == "Traceback (most recent call last):"
    assert [line.strip() for line in lines if line.startswith("  File")] == [
        f'File "{Path("scripts/script.py").absolute()}", line 4, in <module>',
        f'File "{Path("scripts/script.py").absolute()}", line 2, in fail',
    ]
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_traceback_keeps_its_cause_and_its_context(run):
    done = run("try:\n    [][0]\nexcept IndexError as error:\n    raise KeyError('k') from error\n")
    assert "direct cause" in done.stderr
    done = run("try:\n    [][0]\nexcept IndexError:\n    {}['k']\n")
    assert "During handling" in done.stderr
    assert "netspec" not in done.stderr


def test_a_syntax_error_is_the_script_s(run):
    done = run("x = = 1\n")
    assert done.returncode == 1
    assert "netspec" not in done.stderr
    assert 'scripts/script.py", line 1' in done.stderr
    assert done.stderr.splitlines()[-1].startswith("SyntaxError")


def test_without_a_script(run):
    done = subprocess.run(
        [sys.executable, "-m", "netspec.pycaffe"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: python -m netspec.pycaffe" in done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "netspec.pycaffe", "gone.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "gone.py" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_whole_script(run, nets):
    Path("net.prototxt").write_text(nets.deployed)
    done = run(
        "import numpy as np\nimport caffe\n"
        "caffe.set_mode_cpu()\n"
        "net = caffe.Net('net.prototxt', caffe.TEST)\n"
        "net.blobs['data'].data[...] = np.ones((4, 2, 6, 5))\n"
        "print(net.forward()['prob'].sum(axis=1).round(4))\n"
    )
    assert (done.stdout, done.stderr) == ("[1. 1. 1. 1.]\n", "")
