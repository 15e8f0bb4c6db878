"""Writes the nets and solvers of this folder: `python generate.py [FOLDER]`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from netspec.pycaffe import layers as L
from netspec.pycaffe.net_spec import NetSpec
from netspec.text.printer import print_message

THETA = runpy.run_path(str(Path(__file__).resolve().parents[1] / "document_theta" / "generate.py"))
NETS = {
    "small": "A small net says where to look, another one what kind of page is there.",
    "small_baseline": "The second net of small.prototxt alone: it sees the whole scan, with as many pixels.",
    "googlenet": "A GoogLeNet says where to look, another one what kind of page is there.",
}
KINDS = 8

DATA = """\
layer {
  name: "scans"
  type: "HDF5Data"
  top: "data"
  top: "label"
  include { phase: TRAIN }
  hdf5_data_param { source: "documents_train_hdf5/list.txt" batch_size: 64 shuffle: true }
}
layer {
  name: "scans"
  type: "HDF5Data"
  top: "data"
  top: "label"
  top: "theta"  # for score.py alone
  include { phase: TEST }
  hdf5_data_param { source: "documents_test_hdf5/list.txt" batch_size: 50 }
}
layer {
  name: "not_told"
  type: "Silence"
  bottom: "theta"
  include { phase: TEST }
}
"""

SOLVERS = {  # for each text the net, epochs, rate
    "small_short_solver": ("small", 5, 0.001),
    "small_solver": ("small", 15, 0.001),
    "small_baseline_short_solver": ("small_baseline", 5, 0.001),
    "small_baseline_solver": ("small_baseline", 15, 0.001),
    "googlenet_solver": ("googlenet", 15, 0.0003),
}


def net(name: str) -> NetSpec:
    """The nets of document_theta, twice: once they end in theta, once in classes."""
    n = NetSpec()
    n.data, n.label = L.HDF5Data(ntop=2)  # gives way to DATA
    n.scan = L.Power(n.data, scale=1 / 256)  # 0 to 255 becomes 0 to 1
    trunk = THETA["googlenet" if name == "googlenet" else "small"]
    if name == "small_baseline":
        n.page = L.Pooling(n.scan, pool="AVE", kernel_size=2, stride=2)
    else:
        # It starts with the whole scan, and learns slowly: one step moves all that the second net sees.
        n.found = L.InnerProduct(
            trunk(n, n.scan, "loc_"),
            param=[{"lr_mult": 0.1}, {"lr_mult": 0.1}],
            num_output=6,
            weight_filler={"type": "constant"},
            bias_filler={"type": "file", "file": "whole.txt"},
        )
        half = {"output_H": 64, "output_W": 64} if name == "small" else {}
        n.page = L.SpatialTransformer(n.scan, n.found, st_param={"to_compute_dU": False, **half})
    n.score = L.InnerProduct(trunk(n, n.page), num_output=KINDS, weight_filler={"type": "xavier"})
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    n.accuracy = L.Accuracy(n.score, n.label, include={"phase": "TEST"})
    return n


def main(folder: Path) -> None:
    (folder / "whole.txt").write_text("1 0 0 0 1 0\n")
    for name, what in NETS.items():
        proto = net(name).to_proto()
        del proto.layer[0]
        head = f'# {what}\n# Written by generate.py.\nname: "document_spn_{name}"\n'
        (folder / f"{name}.prototxt").write_text(f"{head}{DATA}{print_message(proto)}")
    THETA["write_solvers"](folder, "document_spn", SOLVERS)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
