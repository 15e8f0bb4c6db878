"""`netspec check`."""

from __future__ import annotations

from netspec.cli import main


def test_a_net_and_a_solver(folder, capsys):
    assert main(["check", "net.prototxt", "solver.prototxt"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines() == [
        "net.prototxt: ok (net 'small', 5 layers TRAIN, 6 layers TEST)",
        "solver.prototxt: ok (solver of type SGD, 5 layers TRAIN, 6 layers TEST)",
    ]


def test_all_errors_of_both_phases_once_in_text_order(folder, capsys):
    text = (folder / "net.prototxt").read_text()
    text = text.replace('type: "SoftmaxWithLoss"', 'type: "SoftmaxLoss"').replace('"xavier"', '"xaviar"')
    (folder / "wrong.prototxt").write_text(text)
    assert main(["check", "wrong.prototxt", "net.prototxt"]) == 1
    captured = capsys.readouterr()
    heads = [line for line in captured.err.splitlines() if ": error: " in line]
    assert len(heads) == 2
    assert "xaviar" in heads[0]
    assert "SoftmaxLoss" in heads[1]
    assert captured.out.splitlines()[0] == "wrong.prototxt: 2 errors"
    assert captured.out.splitlines()[1].startswith("net.prototxt: ok")


def test_syntax_errors_are_all_reported(folder, capsys):
    (folder / "wrong.prototxt").write_text('layer { nme: "a" }\nlayer { name: 3 }\n')
    assert main(["check", "wrong.prototxt"]) == 1
    captured = capsys.readouterr()
    assert "wrong.prototxt:1:9: error:" in captured.err
    assert "wrong.prototxt:2:15: error:" in captured.err
    assert captured.out == "wrong.prototxt: 2 errors\n"


def test_settings_of_a_solver(folder, capsys):
    text = (folder / "solver.prototxt").read_text()
    (folder / "wrong.prototxt").write_text(text.replace('lr_policy: "step"', 'lr_policy: "stair"'))
    assert main(["check", "wrong.prototxt"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("wrong.prototxt:6:12: error: ")
    assert captured.out == "wrong.prototxt: 1 error\n"


def test_the_nets_of_a_solver(folder, capsys):
    text = (folder / "net.prototxt").read_text()
    (folder / "net.prototxt").write_text(text.replace('"InnerProduct"', '"InnerProdct"'))
    assert main(["check", "solver.prototxt"]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("net.prototxt:8:23: error: ") == 1
    assert captured.out == "solver.prototxt: 2 errors\n"


def test_a_file_that_is_not_there(folder, capsys):
    assert main(["check", "nowhere.prototxt"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("nowhere.prototxt: error: no such file")
    assert captured.out == "nowhere.prototxt: 1 error\n"
