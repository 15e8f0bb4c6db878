"""How much memory training takes: what is predicted, what PyTorch's profiler sees, and how to take less."""

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from netspec.compiler.compute import Compute
from netspec.schema.messages import TRAIN, SolverParameter
from netspec.solver.footprint import LiveBytes, predict
from netspec.solver.rules import make_rule

CPU = torch.device("cpu")
SOLVER = SolverParameter(type="SGD", base_lr=0.001, momentum=0.9, weight_decay=0.0005)


def transformer(text):
    """The blog's net: a spatial transformer in front of a LeNet."""
    data = text.inputs(data=(32, 3, 28, 28), label=(32,))
    x = data
    for index in (1, 2):
        x = text.relu(text.pool(f"loc_pool{index}", text.conv(f"loc{index}", x, 20, 5, relu=False), 2, 2))
    theta = text.fc("theta", text.fc("loc_ip", x, 20, relu=True), 6)
    x = text.layer("SpatialTransformer", "st", [data, theta], more="st_param { to_compute_dU: false }")
    for index, width in enumerate((20, 50), 1):
        x = text.pool(f"pool{index}", text.conv(f"conv{index}", x, width, 5, relu=False), 2, 2)
    return text.fc("classes", text.fc("ip1", x, 500, relu=True), 10)


def alexnet(text):
    """AlexNet's kinds of layers, with fewer units behind the convolutions."""
    x = text.inputs(data=(4, 3, 227, 227), label=(4,))
    x = text.pool("pool1", text.lrn("norm1", text.conv("conv1", x, 96, 11, 4)), 3, 2)
    x = text.pool("pool2", text.lrn("norm2", text.conv("conv2", x, 256, 5, pad=2, more="group: 2")), 3, 2)
    for index, width in enumerate((384, 384, 256), 3):
        x = text.conv(f"conv{index}", x, width, 3, pad=1)
    x = text.pool("pool5", x, 3, 2)
    return text.fc("classes", text.dropout(text.fc("fc6", x, 256, relu=True)), 10)


def resnet(text):
    """ResNet's blocks."""
    x = text.pool(
        "pool1", normalised(text, "conv1", text.inputs(data=(8, 3, 64, 64), label=(8,)), 32, 3), 2, 2
    )
    for index in range(6):
        long = normalised(text, f"a{index}", x, 16, 1)
        long = normalised(text, f"b{index}", long, 32, 3, pad=1)
        x = text.relu(text.layer("Eltwise", f"sum{index}", [x, long]))
    pooled = text.layer("Pooling", "mean", x, more="pooling_param { pool: AVE global_pooling: true }")
    return text.fc("classes", pooled, 10)


def normalised(text, name, x, width, kernel, pad=0):
    text.conv(name, x, width, kernel, pad=pad, more="bias_term: false", relu=False)
    text.layer("BatchNorm", f"bn_{name}", name, tops=name)
    text.layer("Scale", f"scale_{name}", name, tops=name, more="scale_param { bias_term: true }")
    return text.relu(name)


NETS = pytest.mark.parametrize("build", [transformer, alexnet, resnet])


@pytest.fixture
def text_of(write):
    def make(build):
        text = write()
        text.layer("SoftmaxWithLoss", "loss", [build(text), "label"])
        return str(text)

    return make


class Training:
    """Iterations of a net on one batch."""

    def __init__(self, net):
        torch.manual_seed(1)
        self.net, self.rule = net, make_rule("SGD", SOLVER, net.learnable_params)
        self.history = self.rule.history([param.parameter for param in net.learnable_params])
        self.batch = {name: torch.rand(net.blobs[name]) for name in net.inputs}

    @property
    def kept(self):
        return [*self.net.parameters(), *self.net.buffers(), *self.history, *self.batch.values()]

    def iterate(self):
        torch.manual_seed(2)
        self.rule.zero_grad()
        loss = self.net.loss(self.net(**self.batch))
        loss.backward()
        self.rule.step()
        return loss.detach()

    def profiled(self):
        """The bytes at the worst moment, counted by PyTorch's allocator."""
        now = peak = sum(tensor.nbytes for tensor in self.kept)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            self.iterate()
        events = seen.profiler.kineto_results.events()
        for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
            now += event.nbytes()
            peak = max(peak, now)
        return peak


@NETS
@pytest.mark.parametrize("recompute", [False, True])
def test_the_prediction_is_near(text_of, graph_of, compile_text, build, recompute):
    text, how = text_of(build), Compute(recompute=recompute)
    found = predict(graph_of(text, TRAIN), CPU, how, SOLVER)
    training = Training(compile_text(text, phase="TRAIN", seed=1, recompute=recompute))
    assert found.peak == pytest.approx(training.profiled(), rel=0.1)
    assert found.params == pytest.approx(sum(blob.nbytes for blob in training.net.parameters()), rel=0.01)
    assert found.history == sum(tensor.nbytes for tensor in training.history)


@NETS
def test_recomputing_takes_less_and_gives_the_same(text_of, compile_text, build):
    text, peaks, results = text_of(build), [], []
    for recompute in (False, True):
        training = Training(compile_text(text, phase="TRAIN", seed=1, recompute=recompute))
        with LiveBytes(training.kept) as live:
            losses = [training.iterate() for _ in range(2)]
        peaks.append(live.peak - sum(tensor.nbytes for tensor in training.kept))
        gradients = [param.grad for param in training.net.parameters()]
        results.append((losses, gradients, training.net.state_dict()))
    assert peaks[1] < 0.9 * peaks[0]
    # Dropout's numbers and the running averages among them.
    torch.testing.assert_close(results[1], results[0], rtol=1e-5, atol=1e-6)


def test_no_memory_is_taken_to_predict(text_of, graph_of):
    graph = graph_of(text_of(transformer).replace("num_output: 500", "num_output: 50000000"), TRAIN)
    assert predict(graph, CPU, Compute(), SOLVER).params > 1e11
