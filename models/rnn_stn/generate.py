"""Writes the nets and solvers of this folder: `python generate.py [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from netspec.pycaffe import layers as L
from netspec.pycaffe.net_spec import NetSpec, Top
from netspec.text.printer import print_message

DIGITS = 3
EPOCH = 625  # iterations: 60,000 images, 3 times 32 at a time
MSRA = {"weight_filler": {"type": "msra"}}
NETS = {
    "rnn": "A recurrent transformer: a window for each digit, one after the other",
    "rnn_apart": "A recurrent transformer whose windows start side by side, a digit in each",
    "ff": "A feed-forward transformer: one window for all digits",
    "cnn": "The classifier of ff.prototxt, without a transformer",
}
STARTS = {"rnn": "whole.txt", "rnn_apart": "apart.txt"}  # theta of the three windows

DATA = """\
layer {{
  name: "digits"
  type: "HDF5Data"
  top: "data"
  top: "label"  # 3 to an image
  include {{ phase: {phase} }}
  hdf5_data_param {{ source: "mnist_sequence_{half}_hdf5/list.txt" batch_size: {batch}{shuffle} }}
}}
"""
DATA = DATA.format(phase="TRAIN", half="train", batch=32, shuffle=" shuffle: true") + DATA.format(
    phase="TEST", half="test", batch=100, shuffle=""
)

TEST = """\
net: "{net}.prototxt"
random_seed: 1

test_iter: 100  # all 10,000 test images
test_interval: {interval}
test_initialization: false
"""
SOLVER = """\
# The paper's recipe: up to 300 epochs; from the 32nd on the rate falls to two thirds every 12 epochs.
# An iteration has 96 images, where the paper's has 100.
{test}
type: "RMSProp"
rms_decay: 0.9
delta: 0.001
base_lr: 0.0005
lr_policy: "multistep"
gamma: 0.6666667
{steps}
iter_size: 3
clip_gradients: 5
max_iter: {iterations}

display: 625
snapshot: 6250
snapshot_prefix: "{net}_sequence"
solver_mode: CPU
"""
SHORT = """\
# A recipe for one core: 3,000 iterations of Adam on 32 images each, with a rate that falls to nothing.
{test}
type: "Adam"
momentum: 0.9
momentum2: 0.999
base_lr: 0.001
lr_policy: "poly"
power: 1
clip_gradients: 5
max_iter: 3000

display: 100
snapshot: 1500
snapshot_prefix: "{net}_sequence"
solver_mode: CPU
"""


def relu(n: NetSpec, name: str, layer: Top) -> Top:
    n[name] = layer
    n[f"{name}_relu"] = L.ReLU(n[name], in_place=True)
    return n[name]


def conv(n: NetSpec, name: str, bottom: Top, channels: int) -> Top:
    return relu(n, name, L.Convolution(bottom, num_output=channels, kernel_size=3, **MSRA))


def hidden(n: NetSpec, name: str, bottom: Top, units: int) -> Top:
    return relu(n, name, L.InnerProduct(bottom, num_output=units, **MSRA))


def pool(n: NetSpec, name: str, bottom: Top, kind: str = "MAX") -> Top:
    # Theano's and Lasagne's pooling leaves out what is no whole window.
    n[name] = L.Pooling(bottom, pool=kind, kernel_size=2, stride=2, round_mode="FLOOR")
    return n[name]


def localised(n: NetSpec) -> Top:
    """What is where in the images: 20 channels of 9x9."""
    x = n.image
    for number in (1, 2, 3):
        x = conv(n, f"loc{number}", pool(n, f"loc{number}_half", x), 20)
    return x


def located(n: NetSpec, seen: Top, start: str) -> Top:
    """Six entries of theta for each of what is seen, at first those of a file."""
    # A twentieth of the rate: no window must leave before the classifier can tell where it is better.
    n.moves = L.InnerProduct(
        seen,
        axis=-1,
        param=[{"lr_mult": 0.05}, {"lr_mult": 0.05}],
        num_output=6,
        weight_filler={"type": "constant"},
    )
    n.theta = L.PowerFile(n.moves, shift_file=start)
    return n.theta


def window(n: NetSpec, images: Top, theta: Top, side: int) -> Top:
    """The images where theta says, ``side`` pixels wide."""
    # Lasagne's convention: x before y, the middles of the outermost pixels at -1 and 1, and beyond.
    convention = {"grid": "ALIGNED", "order": "COLUMN_FIRST", "padding": "border"}
    size = {"output_H": side, "output_W": side}
    n.st = L.SpatialTransformer(images, theta, st_param={**convention, **size, "to_compute_dU": False})
    return n.st


def classified(n: NetSpec, image: Top, channels: int) -> Top:
    """What a classifier makes of what it sees: 400 units."""
    x = pool(n, "conv1_half", conv(n, "conv1", image, channels))
    x = pool(n, "conv2_half", conv(n, "conv2", x, channels))
    return hidden(n, "fc", conv(n, "conv3", x, channels), 400)


def recurrent(n: NetSpec) -> Top:
    """A state for each digit: (3, N, 256). Each step sees the same; the state knows which one it is."""
    n.features = L.Flatten(localised(n))
    n.features_once = L.Reshape(n.features, num_axes=0, shape={"dim": [1]})
    n.features_each = L.Tile(n.features_once, axis=0, tiles=DIGITS)
    # 0 where a sequence begins, 1 where it goes on; made of the features, so that there are as many.
    n.zeros = L.Reduction(n.features_once, axis=2, coeff=0)
    n.ones = L.Power(n.zeros, shift=1)
    n.goes_on = L.Concat(n.zeros, *[n.ones] * (DIGITS - 1), axis=0)
    n.gru = L.GRU(n.features_each, n.goes_on, recurrent_param={"num_output": 256, **MSRA})
    return n.gru


def score_windows(n: NetSpec, start: str) -> tuple[Top, Top]:
    """Scores and labels of all first digits, then of all second and third ones: (3 N, 10) and (3 N)."""
    n.states = L.Permute(recurrent(n), order=[1, 0])
    n.theta_by_step = L.Permute(located(n, n.states, start), order=[1, 0])
    n.thetas = L.Reshape(n.theta_by_step, num_axes=2, shape={"dim": [-1]})
    n.images = L.Tile(n.image, axis=0, tiles=DIGITS)
    x = classified(n, window(n, n.images, n.thetas, 33), 32)
    n.score = L.InnerProduct(x, num_output=10, **MSRA)
    n.label_by_step = L.Permute(n.label, order=[1, 0])
    n.label_flat = L.Reshape(n.label_by_step, shape={"dim": [-1]})
    return n.score, n.label_flat


def score_whole(n: NetSpec, with_transformer: bool) -> tuple[Top, Top]:
    """Scores and labels, digit by digit of each image: (N, 3, 10) and (N, 3)."""
    if with_transformer:
        theta = located(n, hidden(n, "loc_fc", localised(n), 200), "whole.txt")
        x = window(n, n.image, theta, 50)
    else:
        x = pool(n, "half", n.image, "AVE")
    x = classified(n, x, 96)
    n.scores = L.InnerProduct(x, num_output=DIGITS * 10, **MSRA)
    n.score = L.Reshape(n.scores, shape={"dim": [0, DIGITS, 10]})
    return n.score, n.label


def net(name: str) -> NetSpec:
    n = NetSpec()
    n.data, n.label = L.HDF5Data(ntop=2)  # gives way to DATA
    n.image = L.Power(n.data, scale=1 / 256)  # 0 to 255 becomes 0 to 1
    if name in STARTS:
        score, label = score_windows(n, STARTS[name])
    else:
        score, label = score_whole(n, with_transformer=name == "ff")
    n.loss = L.SoftmaxWithLoss(score, label, softmax_param={"axis": -1})
    n.accuracy = L.Accuracy(score, label, axis=-1, include={"phase": "TEST"})
    return n


RATE = "# Published so: theta learns as fast as the rest. netspec: ignore[theta-learning-rate]\n"


def main(folder: Path) -> None:
    (folder / "whole.txt").write_text("1 0 0  0 1 0\n" * DIGITS)
    (folder / "apart.txt").write_text("".join(f"0.5 0 {x}  0 1 0\n" for x in (-0.5, 0, 0.5)))
    steps = "\n".join(f"stepvalue: {EPOCH * epoch}" for epoch in range(32, 300, 12))
    for name, what in NETS.items():
        proto = net(name).to_proto()
        del proto.layer[0]
        head = f"# {what}. Written by generate.py.\n{RATE if name != 'cnn' else ''}"
        text = f'{head}name: "{name}"\n{DATA}{print_message(proto)}'
        (folder / f"{name}.prototxt").write_text(text)
        test = TEST.format(net=name, interval=EPOCH)
        solver = SOLVER.format(test=test, net=name, steps=steps, iterations=300 * EPOCH)
        (folder / f"{name}_solver.prototxt").write_text(solver)
        short = SHORT.format(test=TEST.format(net=name, interval=1500), net=name)
        (folder / f"{name}_short_solver.prototxt").write_text(short)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
