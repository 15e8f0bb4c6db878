"""What `net.forward()` through pycaffe's interface costs over the compiled net itself, and a backward pass.

    python tools/bench/pycaffe.py [RUNS]

Three ways take turns, so that all see the same machine: the compiled net; the same with the layers as the
text has them (rewrite=False), which is how pycaffe must run it, since a script may look at each blob; and
pycaffe. The last number is what pycaffe costs over the second. The nets are fed before the clock starts. Each
number is the median of the runs.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import torch

import netspec
import netspec.pycaffe as caffe

INPUT = 'layer { name: "%s" type: "Input" top: "%s" input_param { shape { %s } } }'


def blob(name, *dims):
    return INPUT % (name, name, " ".join(f"dim: {dim}" for dim in dims))


TINY = f"""
{blob("x", 1, 4)}
layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param {{ num_output: 3 }} }}
layer {{ name: "prob" type: "Softmax" bottom: "ip" top: "prob" }}
"""

CONV = """
layer {{ name: "conv{0}" type: "Convolution" bottom: "{1}" top: "conv{0}"
  convolution_param {{ num_output: 32 kernel_size: 5 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "relu{0}" type: "ReLU" bottom: "conv{0}" top: "conv{0}" }}
layer {{ name: "pool{0}" type: "Pooling" bottom: "conv{0}" top: "pool{0}"
  pooling_param {{ kernel_size: 2 stride: 2 }} }}
"""
FULL = """
layer {{ name: "{0}" type: "InnerProduct" bottom: "{1}" top: "{0}"
  inner_product_param {{ num_output: {2} weight_filler {{ type: "xavier" }} }} }}
"""

# As in the blog: a localisation net, a transformer, a classifier.
BLOG = f"""
{blob("data", 64, 1, 60, 60)}
{blob("label", 64)}
{CONV.format("1", "data")}
{CONV.format("2", "pool1")}
{FULL.format("hidden", "pool2", 50)}
layer {{ name: "tanh" type: "TanH" bottom: "hidden" top: "hidden" }}
{FULL.format("theta", "hidden", 6)}
layer {{ name: "st" type: "SpatialTransformer" bottom: "data" bottom: "theta" top: "st"
  st_param {{ output_H: 30 output_W: 30 }} }}
{CONV.format("3", "st")}
{FULL.format("ip1", "pool3", 100)}
layer {{ name: "relu4" type: "ReLU" bottom: "ip1" top: "ip1" }}
{FULL.format("ip2", "ip1", 10)}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }}
layer {{ name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy" }}
"""


def timed(call):
    begin = perf_counter()
    call()
    return (perf_counter() - begin) * 1e3


def medians(calls, runs):
    for call in calls:
        for _ in range(3):
            call()
    times = [[timed(call) for call in calls] for _ in range(runs)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def measure(name, text, phase, runs):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.prototxt"
        path.write_text(text)
        facade, compiled = caffe.Net(str(path), phase), netspec.compile_net(path, phase=phase)
        plain = netspec.compile_net(path, phase=phase, engine="eager", rewrite=False)
    feeds = {name: torch.zeros(compiled.blobs[name]) for name in compiled.inputs}
    with torch.set_grad_enabled(bool(compiled.loss_weights)):
        calls = [lambda: compiled(**feeds), lambda: plain(**feeds), facade.forward]
        line = f"{name:12} forward: {told(medians(calls, runs))}"
    if compiled.loss_weights:

        def whole(net):
            net.zero_grad()
            net.loss(net(**feeds)).backward()

        def whole_facade():
            facade.clear_param_diffs()
            facade.forward()
            facade.backward()

        calls = [lambda: whole(compiled), lambda: whole(plain), whole_facade]
        line += f"; with backward {told(medians(calls, runs))}"
    print(line)


def told(times):
    compiled, plain, through = times
    return (
        f"compiled {compiled:.3f} ms, as in the text {plain:.3f} ms, pycaffe {through:.3f} ms, "
        f"{through - plain:+.3f} ms"
    )


def main(runs):
    measure("tiny", TINY, caffe.TEST, runs * 10)
    measure("blog, TEST", BLOG, caffe.TEST, runs)
    measure("blog, TRAIN", BLOG, caffe.TRAIN, runs)
    measure("blog, N = 1", BLOG.replace("dim: 64", "dim: 1"), caffe.TRAIN, runs * 4)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
