"""`netspec summary`."""

from __future__ import annotations

from netspec.cli import main

NET = """
name: "sums"
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [2, 4, 8, 8] } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "y"
  convolution_param { num_output: 6 kernel_size: 3 group: 2 } param { name: "w" } param { name: "b" } }
layer { name: "again" type: "Convolution" bottom: "x" top: "z"
  convolution_param { num_output: 6 kernel_size: 3 group: 2 } param { name: "w" } param { name: "b" } }
layer { name: "ip" type: "InnerProduct" bottom: "y" top: "out" inner_product_param { num_output: 5 } }
layer { name: "test" type: "ReLU" bottom: "out" top: "out" include { phase: TEST } }
"""


def rows(text):
    header, rule, *lines = text.partition("\n\n")[0].splitlines()
    assert header.split() == ["layer", "type", "tops", "params", "MACs", "memory"]
    assert set(rule) == {"-", " "}
    return {line.split()[0]: line for line in lines}


def test_counts(tmp_path, capsys):
    file = tmp_path / "net.prototxt"
    file.write_text(NET)
    assert main(["summary", str(file)]) == 0
    found = rows(capsys.readouterr().out)
    assert list(found) == ["in", "conv", "again", "ip", "test", "total"]
    # 6 maps of 6x6, each number from 4 / 2 channels of 3x3; 2 items.
    macs = 2 * 6 * 6 * 6 * 2 * 9
    weights, bias = 6 * 2 * 9, 6
    assert found["conv"].split()[2:] == [
        "y",
        "2x6x6x6",
        str(weights + bias),
        f"{macs / 1000:.3g}",
        "k",
        "2.18",
        "kB",
    ]
    assert 4 * (weights + bias + 2 * 6 * 36) == 2184
    # A shared blob is one blob.
    assert found["again"].split()[2:6] == ["z", "2x6x6x6", "0", f"{macs / 1000:.3g}"]
    ip = 5 * 216 + 5
    assert found["ip"].split()[2:6] == ["out", "2x5", f"{ip:,}", f"{2 * 5 * 216 / 1000:.3g}"]
    assert found["total"].split()[1] == f"{weights + bias + ip:,}"
    assert found["total"].split()[2] == f"{(2 * macs + 2 * 5 * 216) / 1000:.3g}"


def test_phase(tmp_path, capsys):
    file = tmp_path / "net.prototxt"
    file.write_text(NET)
    assert main(["summary", str(file), "-phase=TRAIN"]) == 0
    assert "test" not in rows(capsys.readouterr().out)


def test_the_memory_that_training_takes(folder, capsys):
    assert main(["summary", "net.prototxt"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    # 2 * 256 + 2 and 10 * 64 + 10 numbers, thrice; and more.
    assert line.startswith("training: ")
    assert "params 4.66 kB, gradients 4.66 kB, momentum 4.66 kB, activations and what else" in line


def test_a_net_without_a_loss_is_not_trained(tmp_path, capsys):
    file = tmp_path / "net.prototxt"
    file.write_text(NET)
    assert main(["summary", str(file)]) == 0
    assert "training" not in capsys.readouterr().out


def test_memory_that_depends_on_the_data(folder, capsys):
    more = """layer { name: "some" type: "Filter" bottom: "seen" bottom: "label" top: "kept" }
layer { name: "mean" type: "Reduction" bottom: "kept" top: "mean" loss_weight: 1 }"""
    (folder / "net.prototxt").write_text((folder / "net.prototxt").read_text() + more)
    assert main(["summary", "net.prototxt"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == (
        "training: its memory is not known, since what layer 'some' (Filter) does depends on the data"
    )


def test_drawn_data(folder, capsys):
    assert main(["summary", "net.prototxt"]) == 0
    assert rows(capsys.readouterr().out)["digits"].split()[2:6] == ["data", "4x1x16x16,", "label", "4"]
