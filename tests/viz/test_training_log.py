"""What is read from logs: Caffe's, as its solver writes them, ours, and lines of JSON."""

from __future__ import annotations

import json
import math

import pytest

from netspec.errors import NetspecError
from netspec.viz.training_log import read_log, read_thetas

CAFFE = """\
I0512 13:00:00.000001 25210 solver.cpp:279] Solving LeNet
I0512 13:00:00.000002 25210 solver.cpp:280] Learning Rate Policy: inv
I0512 13:00:00.000003 25210 solver.cpp:337] Iteration 0, Testing net (#0)
I0512 13:00:01.000003 25210 solver.cpp:404]     Test net output #0: accuracy = 0.1
I0512 13:00:01.000003 25210 solver.cpp:404]     Test net output #1: loss = 2.3 (* 1 = 2.3 loss)
I0512 13:00:01.000003 25210 solver.cpp:337] Iteration 0, Testing net (#1)
I0512 13:00:01.500003 25210 solver.cpp:404]     Test net output #0: accuracy = 0.2
I0512 13:00:02.000003 25210 solver.cpp:228] Iteration 0, loss = 2.4
I0512 13:00:02.000003 25210 solver.cpp:244]     Train net output #0: aux = 4 (* 0.3 = 1.2 loss)
I0512 13:00:02.000003 25210 solver.cpp:244]     Train net output #1: loss = 1.2 (* 1 = 1.2 loss)
I0512 13:00:02.000003 25210 sgd_solver.cpp:106] Iteration 0, lr = 0.01
I0512 13:00:09.000003 25210 solver.cpp:218] Iteration 100 (12.3 iter/s, 8.1s/100 iters), loss = 1.5e-05
I0512 13:00:09.000003 25210 solver.cpp:237]     Train net output #0: aux = nan (* 0.3 = nan loss)
I0512 13:00:09.000003 25210 solver.cpp:237]     Train net output #1: loss = -inf (* 1 = -inf loss)
I0512 13:00:09.000003 25210 sgd_solver.cpp:105] Iteration 100, lr = 1e-05
"""


def series_of(tmp_path, text):
    path = tmp_path / "run.log"
    path.write_text(text)
    return {(one.source, one.name, one.smoothed): one for one in read_log(path).series}


def points(series):
    return list(zip(series.iterations, series.values, strict=True))


def test_caffes_log(tmp_path):
    found = series_of(tmp_path, CAFFE)
    assert {key: (one.kind, points(one)) for key, one in found.items() if key[1] != "aux" or key[2]} == {
        ("train", "loss", True): ("loss", [(0, 2.4), (100, 1.5e-5)]),
        ("train", "lr", False): ("rate", [(0, 0.01), (100, 1e-5)]),
        ("train", "loss", False): ("loss", [(0, 1.2), (100, -math.inf)]),
        ("test0", "accuracy", False): ("output", [(0, 0.1)]),
        ("test0", "loss", False): ("loss", [(0, 2.3)]),
        ("test1", "accuracy", False): ("output", [(0, 0.2)]),
    }
    aux = found["train", "aux", False]
    assert (aux.kind, aux.values[0]) == ("loss", 4)
    assert math.isnan(aux.values[1])


def test_a_blob_of_several_numbers(tmp_path):
    test = "] Iteration {0}, Testing net (#0)\n] Test net output #0: p = 1{0}\n] Test net output #1: p = 2{0}"
    found = series_of(tmp_path, "\n".join(test.format(iteration) for iteration in (0, 5)))
    assert {key[1]: (one.elements, one.values) for key, one in found.items()} == {
        "p[0]": (2, [10, 15]),
        "p[1]": (2, [20, 25]),
    }


def test_what_a_resumed_run_did_anew_counts(tmp_path):
    text = "".join(f"] Iteration {i}, loss = {value}\n" for i, value in [(0, 1), (10, 2), (20, 3), (10, 4)])
    found = series_of(tmp_path, text)
    assert points(found["train", "loss", True]) == [(0, 1), (10, 4)]


def test_lines_of_json(tmp_path):
    displayed = {"event": "displayed", "loss": 0.5, "lr": 0.1, "outputs": {"loss": 0.5, "p": [1, "nan"]}}
    tested = {"event": "tested", "net": 1, "loss": None, "outputs": {"accuracy": 0.9}, "loss_weights": {}}
    records = [
        {"event": "started", "iteration": 0},
        {**displayed, "iteration": 2, "loss_weights": {"loss": 1}},
        {**displayed, "iteration": 4, "loss": "inf", "lr": None, "loss_weights": {"loss": 1}},
        {**tested, "iteration": 4},
    ]
    found = series_of(tmp_path, "\n".join(map(json.dumps, records)) + '\n{"event": "displ')
    assert points(found["train", "loss", True]) == [(2, 0.5), (4, math.inf)]
    assert points(found["train", "lr", False]) == [(2, 0.1)]
    assert found["train", "loss", False].kind == "loss"
    assert (found["train", "p[0]", False].kind, found["train", "p[0]", False].values) == ("output", [1, 1])
    assert points(found["test1", "accuracy", False]) == [(4, 0.9)]


@pytest.mark.parametrize("cut", range(10, len(CAFFE), 97))
def test_a_log_that_stops_anywhere(tmp_path, cut):
    path = tmp_path / "run.log"
    path.write_text(CAFFE[:cut])
    try:
        found = read_log(path)
    except NetspecError:
        assert "loss = " not in CAFFE[:cut]
    else:
        assert found.series


@pytest.mark.parametrize("content", [b"", b"\x00\xff\x89PNG", b'{"a": 1}\n[]\n{"event": "tested"}\n{}\n'])
def test_no_log(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(NetspecError, match="tells of no iteration"):
        read_log(tmp_path / "x")


def test_no_file(tmp_path):
    with pytest.raises(NetspecError, match="No such file"):
        read_log(tmp_path / "x")
    with pytest.raises(NetspecError, match="Is a directory"):
        read_log(tmp_path)


def transformed(iteration, layer="st", outside=0.25, largest=1.5, theta=(1.0, 0.0)):
    told = {"iteration": iteration, "layer": layer, "outside": outside, "largest": largest}
    return json.dumps({"event": "transformed", "time": 1, "seconds": 1, **told, "theta": list(theta)})


def test_thetas(tmp_path):
    lines = [
        '{"event": "started", "iteration": 0}',
        transformed(10, outside=0.5),
        transformed(10, "st2", theta=[3]),
        transformed(20, largest="inf", theta=["nan", 2]),
        transformed(30, outside=0.75),
        transformed(20, theta=[7, 8]),  # resumed there
        transformed(30)[:-10],
        "no JSON",
        '{"event": "transformed", "iteration": 40}',
        "[]",
    ]
    (tmp_path / "run.jsonl").write_text("\n".join(lines))
    first, second = read_thetas(tmp_path / "run.jsonl")
    assert (first.layer, first.iterations, first.outside) == ("st", [10, 20], [0.5, 0.25])
    assert (first.largest, first.means) == ([1.5, 1.5], [[1, 0], [7, 8]])
    assert (second.layer, second.iterations, second.means) == ("st2", [10], [[3]])


def test_the_names_of_theta(tmp_path):
    named = json.loads(transformed(20)) | {"names": ["t1", "t2"]}
    wrong = json.loads(transformed(30)) | {"names": ["t1"]}
    lines = [transformed(10), json.dumps(named), json.dumps(wrong)]
    (tmp_path / "one").write_text(lines[0])
    (tmp_path / "all").write_text("\n".join(lines))
    (unnamed,), (found,) = (read_thetas(tmp_path / name) for name in ("one", "all"))
    assert unnamed.names == ("theta[0]", "theta[1]")
    assert (found.names, found.iterations) == (("t1", "t2"), [20])  # another net's are forgotten


def test_numbers_of_theta_that_are_not_finite(tmp_path):
    (tmp_path / "run.jsonl").write_text(transformed(20, largest="inf", theta=["nan", 2]))
    (found,) = read_thetas(tmp_path / "run.jsonl")
    assert found.largest == [math.inf]
    assert math.isnan(found.means[0][0])


def test_a_log_without_thetas(tmp_path):
    (tmp_path / "x").write_text('{"event": "tested"}\n')
    with pytest.raises(NetspecError, match="tells of no spatial transformer"):
        read_thetas(tmp_path / "x")
    with pytest.raises(NetspecError, match="No such file"):
        read_thetas(tmp_path / "none")
