"""Wrong inputs, each in a folder of its own, and to the letter what a user is told about them.

A case holds the wrong files, `command` (the command line, without the program's name) and `expected` (the
exit status, then stderr without the log's lines). `pytest tests/diagnostics --update-expected` rewrites the
latter.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest

import netspec
from netspec.cli import main
from netspec.layers.registry import layer_types
from netspec.schema.messages import BlobProto, Datum

CASES = Path(__file__).with_name("cases")
NAMES = sorted(case.name for case in CASES.iterdir())
LISTING = "`netspec layers` lists all {}"  # so many as there are: a new layer is no reason to touch the cases
LOG = re.compile(r"[IW]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ \w+\.cpp:\d+\] ")


def write_not_utf8() -> None:
    Path("net.prototxt").write_bytes('name: "größe"\n'.encode("latin-1"))


def write_nul_byte() -> None:
    Path("net.prototxt").write_bytes(b'name: "a"\nlayer {\n  name: \x00 "b"\n}\n')


def write_image(name: str, side: int) -> None:
    assert cv2.imwrite(name, np.zeros((side, side, 3), np.uint8))


def write_images() -> None:
    write_image("small.png", 4)
    write_image("large.png", 6)


def write_two_signs() -> None:
    write_image("a.png", 4)
    write_image("b.png", 4)


def write_snapshot(solver: str = "solver.prototxt") -> tuple[Path, Path]:
    return netspec.load_solver(solver).snapshot()


def write_orphan() -> None:
    weights, _ = write_snapshot()
    weights.unlink()


def write_broken_numbers() -> None:
    netspec.compile_net("nan.prototxt").save_weights("nan.caffemodel")


def write_truncated() -> None:
    weights, _ = write_snapshot()
    weights.write_bytes(weights.read_bytes()[:-9])


def write_truncated_state() -> None:
    _, state = write_snapshot()
    state.write_bytes(state.read_bytes()[:-9])


def write_other_weights() -> None:
    netspec.compile_net("other.prototxt").save_weights("other.caffemodel")


def write_truncated_other_weights() -> None:
    write_other_weights()
    Path("other.caffemodel").write_bytes(Path("other.caffemodel").read_bytes()[:-9])


def write_objects() -> None:
    np.savez("objects.npz", **{"ip/0": np.array([{}])})


def write_mean() -> None:
    write_image("small.png", 4)
    Path("mean.binaryproto").write_bytes(
        BlobProto(num=1, channels=3, height=2, width=2, data=[0] * 12).SerializeToString()
    )


def write_database(*values: bytes) -> Path:
    with lmdb.open("signs") as environment, environment.begin(write=True) as transaction:
        for number, value in enumerate(values):
            transaction.put(b"%08d_sign.png" % number, value)
    return Path("signs/data.mdb")


def write_broken_database() -> None:
    file = write_database(b"a sign")
    content = bytearray(file.read_bytes())
    content[-4096:] = bytes(4096)
    file.write_bytes(content)


# The files that a case needs and that are no text.
MAKE: dict[str, Callable[[], object]] = {
    "advice_sorted_training_data": write_two_signs,
    "advice_sorted_training_data_heeded": write_two_signs,
    "advice_test_on_training_data": write_two_signs,
    "advice_test_on_training_data_heeded": write_two_signs,
    "advice_test_transform": write_two_signs,
    "advice_test_transform_heeded": write_two_signs,
    "convert_bad_pattern": write_other_weights,
    "convert_no_such_layer": write_other_weights,
    "convert_rename_clash": write_other_weights,
    "convert_unknown_format": write_other_weights,
    "data_broken_database": write_broken_database,
    "data_broken_record": lambda: write_database(
        Datum(channels=3, height=8, width=8, data=b"12").SerializeToString()
    ),
    "data_crop_larger_than_the_image": lambda: write_image("small.png", 4),
    "data_empty_database": write_database,
    "data_field_not_honoured": lambda: write_image("small.png", 4),
    "data_mean_of_another_shape": write_mean,
    "data_second_image_missing": lambda: write_image("first.png", 4),
    "data_sizes_differ": write_images,
    "inspect_truncated": write_truncated_other_weights,
    "nan_in_a_weight_file": write_broken_numbers,
    "snapshot_is_a_caffemodel": write_snapshot,
    "snapshot_damaged": write_truncated_state,
    "snapshot_of_another_net": lambda: write_snapshot("other_solver.prototxt"),
    "snapshot_of_another_solver": lambda: write_snapshot("other_solver.prototxt"),
    "snapshot_of_another_solver_that_remembers_as_much": lambda: write_snapshot("other_solver.prototxt"),
    "snapshot_resume_another_net": lambda: write_snapshot("other_solver.prototxt"),
    "snapshot_without_its_weights": write_orphan,
    "syntax_not_utf8": write_not_utf8,
    "syntax_nul_byte": write_nul_byte,
    "weights_are_a_solverstate": write_snapshot,
    "weights_npz_of_objects": write_objects,
    "weights_of_another_net": write_other_weights,
    "weights_of_another_shape": write_other_weights,
    "weights_several_mismatched": write_other_weights,
    "weights_truncated": write_truncated,
}


@pytest.fixture
def report(tmp_path, monkeypatch, capsys):
    """Runs a case in a copy of its folder; the exit status and what stderr says besides the log."""

    def report(name: str) -> str:
        monkeypatch.chdir(shutil.copytree(CASES / name, tmp_path / name))
        MAKE.get(name, lambda: None)()
        status = main(Path("command").read_text().split())
        said = capsys.readouterr().err.replace(LISTING.format(len(layer_types())), LISTING.format("N"))
        return "\n".join([str(status), *(line for line in said.splitlines() if not LOG.match(line))]) + "\n"

    return report


@pytest.mark.parametrize("name", NAMES)
def test_the_user_is_told_exactly_this(name, report, tmp_path, pytestconfig):
    said = report(name)
    assert str(tmp_path) not in said
    expected = CASES / name / "expected"
    if pytestconfig.getoption("--update-expected", default=False):
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")


def test_the_last_good_snapshot_survives_a_loss_that_is_not_finite(report):
    report("nan_loss")
    iterations = sorted(
        int(file.stem.rpartition("_")[2]) for file in Path.cwd().glob("toy_iter_*.solverstate")
    )
    assert iterations
    solver = netspec.load_solver("solver.prototxt")
    solver.restore(f"toy_iter_{iterations[-1]}.solverstate")
    assert solver.iteration == iterations[-1]


def test_each_hook_belongs_to_a_case():
    assert set(NAMES) >= set(MAKE)
