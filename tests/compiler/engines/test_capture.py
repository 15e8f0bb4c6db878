"""Functions as CUDA graphs."""

import pytest
import torch
from torch import nn

from netspec.compiler.engines.capture import Captured, blamed_layer
from netspec.compiler.engines.staging import Staging

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


class Counter(nn.Module):
    """Binds its buffer anew at each call, as a layer that carries its state does."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def forward(self):
        self.count = self.count + 1
        return self.count * 10


@pytest.fixture
def stream():
    with torch.cuda.stream(torch.cuda.Stream()):
        yield


@needs_cuda
@pytest.mark.usefixtures("stream")
def test_a_replay_reads_what_lies_in_its_inputs():
    x = torch.ones(3, device="cuda")
    torch.relu(x) + 1
    captured = Captured(lambda: torch.relu(x) + 1)
    x.fill_(-5)
    assert captured.replay().tolist() == [1, 1, 1]
    x.fill_(4)
    assert captured.replay().tolist() == [5, 5, 5]


@needs_cuda
@pytest.mark.usefixtures("stream")
def test_buffers_go_on_from_replay_to_replay():
    counter = Counter().cuda()
    counter()
    captured = Captured(counter, module=counter)
    assert counter.count.item() == 1  # recording computes nothing
    assert [captured.replay().item() for _ in range(3)] == [20, 30, 40]
    assert counter.count.item() == 4


@needs_cuda
@pytest.mark.usefixtures("stream")
def test_random_numbers_are_those_of_running_it():
    x = torch.ones(1000, device="cuda")

    def draw():
        return torch.nn.functional.dropout(x, 0.5)

    torch.cuda.manual_seed(3)
    expected = [draw() for _ in range(4)]
    torch.cuda.manual_seed(3)
    drawn = [draw()]
    captured = Captured(draw)
    drawn += [captured.replay().clone() for _ in range(3)]
    torch.testing.assert_close(drawn, expected)
    assert not torch.equal(drawn[1], drawn[2])


@needs_cuda
@pytest.mark.usefixtures("stream")
def test_what_waits_for_the_device_cannot_be_recorded():
    x = torch.ones(100, device="cuda")
    torch.cuda.manual_seed(3)
    expected = torch.nn.functional.dropout(x)
    torch.cuda.manual_seed(3)
    with pytest.raises(RuntimeError):
        Captured(lambda: torch.nn.functional.dropout(x).sum().item())
    assert torch.equal(torch.nn.functional.dropout(x), expected)  # as if nothing had been
    torch.cuda.synchronize()


@needs_cuda
def test_batches_arrive_in_order():
    staging, targets = Staging(torch.device("cuda")), [torch.zeros(1000, device="cuda")]
    sums = []
    for number in range(6):
        staging.bring([torch.full((1000,), float(number)).pin_memory()], targets)
        sums.append(targets[0].sum())
    assert [total.item() for total in sums] == [number * 1000 for number in range(6)]


def test_the_layer_that_raised_is_found(compile_text, monkeypatch):
    net = compile_text(
        """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 } }
        layer { name: "broken" type: "Sigmoid" bottom: "y" top: "z" }""",
        engine="eager",
    )

    def fail(self, x):
        raise RuntimeError("not while recording")

    monkeypatch.setattr(type(net.broken), "forward", fail)
    with pytest.raises(RuntimeError) as caught:
        net(x=torch.zeros(2, 3))
    assert blamed_layer(caught.value) is net.broken
    assert blamed_layer(ValueError()) is None
