"""The tool that builds all nets of a folder: what it tells apart, and how it says it."""

import importlib.util
from pathlib import Path

import pytest

from netspec.errors import NetError

TOOL = Path(__file__).parents[2] / "tools" / "check_models.py"

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 8, 8] } } }\n'
GOOD = INPUT + 'layer { name: "relu" type: "ReLU" bottom: "data" top: "relu" }\n'
CONVOLUTION = (
    'layer {{ name: "conv" type: "Convolution" bottom: "data" top: "conv"\n'
    "  convolution_param {{ num_output: 4 kernel_size: {} }} }}\n"
)
IMAGES = (
    'layer {{ name: "data" type: "ImageData" top: "data" top: "label"\n'
    '  image_data_param {{ source: "{}" batch_size: 2 }} }}\n'
)


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("check_models", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(tool, tmp_path, monkeypatch, capsys):
    """Runs the tool on files of these names and texts; gives its exit status and its lines."""

    def run(*flags, **texts):
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.prototxt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        monkeypatch.setattr("sys.argv", ["check_models.py", str(tmp_path), *flags])
        status = tool.main()
        return status, capsys.readouterr().out.splitlines()

    return run


HEAD = ["| file | verdict | errors | the first |", "|---|---|---|---|"]


def test_a_folder_in_order(run):
    solver = 'net: "not there.prototxt" base_lr: 0.1 lr_policy: "fixed" type: "Adam" debug_info: true'
    labels = 'item { name: "none" label: 0 display_name: "background" }'
    assert run(net=GOOD, solver=solver, labels=labels) == (0, ["3 files: 3 ok, 0 needs data, 0 failed"])


def test_what_fails_is_listed_with_its_first_error(run):
    status, lines = run(
        good=GOOD,
        deep__shape=INPUT + CONVOLUTION.format(9),
        text='layer { name: "a|b" nam: "x" typ: "y" }',
        solver='net: "n" base_lr: "0.1"',
    )
    assert status == 1
    assert lines == [
        *HEAD,
        "| deep/shape.prototxt | failed | 1 | line 3: layer 'conv' (Convolution) on data 2x3x8x8: "
        + "kernel 9x9 is larger than the padded bottom, 8x8 |",
        "| solver.prototxt | failed | 1 | line 1: expected a number for 'base_lr', found a string |",
        "| text.prototxt | failed | 2 | line 1: unknown field 'nam' in 'layer' |",
        "",
        "4 files: 1 ok, 0 needs data, 3 failed",
    ]


def test_missing_data_is_no_failure_but_other_errors_are(run):
    status, lines = run(needs=IMAGES.format("no|list.txt") + CONVOLUTION.format(3))
    assert status == 0
    assert lines == [
        *HEAD,
        "| needs.prototxt | needs data | 1 | "
        + r"line 2: layer 'data' (ImageData): no such file: 'no\|list.txt' |",
        "",
        "1 files: 0 ok, 1 needs data, 0 failed",
    ]
    wrong = IMAGES.format("none.txt") + 'layer { name: "x" type: "Convlution" bottom: "data" top: "x" }\n'
    status, lines = run(needs=wrong)
    assert status == 1
    assert lines[2] == "| needs.prototxt | failed | 1 | line 3: unknown layer type 'Convlution' |"


def test_data_that_is_broken_is_wanting_too(run, tmp_path):
    (tmp_path / "list.txt").write_text("\n")
    status, lines = run(needs=IMAGES.format("list.txt"))
    assert status == 0
    assert (
        lines[2] == f"| needs.prototxt | needs data | 1 | {tmp_path / 'list.txt'}: the image list is empty |"
    )


def test_a_data_layer_without_a_source_fails(run):
    status, _ = run(net=IMAGES.replace('source: "{}"', "").format())
    assert status == 1


def test_both_phases_are_built_unless_one_is_named(run):
    only = GOOD + (
        'layer { name: "train" type: "Nothing" bottom: "data" top: "t" include { phase: TRAIN } }\n'
        'layer { name: "test" type: "Nothing" bottom: "data" top: "t" include { phase: TEST } }\n'
    )
    assert run(net=only)[1][2].startswith("| net.prototxt | failed | 2 | line 3: ")
    assert run("--phase", "TEST")[1][2].startswith("| net.prototxt | failed | 1 | line 4: ")
    one = GOOD.replace('name: "data"', 'name: "data" include { phase: TEST }')
    assert run(net=one)[0] == 0


def test_a_net_without_layers_fails(run):
    status, lines = run(empty='name: "nothing"')
    assert status == 1
    assert "the net has no layers" in lines[2]


def test_a_bug_does_not_keep_the_others_back(run, tool, monkeypatch):
    def broken(source):
        raise ZeroDivisionError("division by zero") if source.path.stem == "b" else NetError.at("known")

    monkeypatch.setattr(tool, "load_net", broken)
    status, lines = run(a=GOOD, b=GOOD)
    assert status == 1
    assert lines[2:4] == [
        "| a.prototxt | failed | 1 | known |",
        "| b.prototxt | failed | 1 | bug: ZeroDivisionError: division by zero |",
    ]


def test_nothing_is_allocated(run):
    huge = INPUT + (
        'layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"\n'
        '  inner_product_param { num_output: 2000000000 weight_filler { type: "xavier" } } }\n'
    )
    assert run(net=huge)[0] == 0
