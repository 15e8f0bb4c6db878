"""Times a training step of a spatial transformer network: netspec's net against the same net written by hand.

Both hold the same weights and see the same batch, and their losses and gradients are compared first. The two
take turns, so that a machine that slows down slows both. Prints a Markdown table.

    python tools/bench/step.py [--batch 64] [--repetitions 30] [--device cpu]
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import netspec

CLASSES, SIZE = 10, 28


def layer(name: str, type: str, bottoms: str, top: str, params: str = "") -> str:
    bottom = " ".join(f'bottom: "{blob}"' for blob in bottoms.split())
    return f'layer {{ name: "{name}" type: "{type}" {bottom} top: "{top}" {params} }}\n'


def convolution(name: str, bottom: str, outputs: int) -> str:
    filler = 'weight_filler { type: "xavier" }'
    params = f"convolution_param {{ num_output: {outputs} kernel_size: 5 {filler} }}"
    return layer(name, "Convolution", bottom, name, params)


def pooling(name: str, bottom: str) -> str:
    return layer(name, "Pooling", bottom, name, "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")


def inner_product(name: str, bottom: str, outputs: int) -> str:
    filler = 'weight_filler { type: "xavier" }'
    return layer(
        name, "InnerProduct", bottom, name, f"inner_product_param {{ num_output: {outputs} {filler} }}"
    )


def relu(name: str, blob: str) -> str:
    return layer(name, "ReLU", blob, blob)


def prototxt(batch: int) -> str:
    """The net as text: a localisation net, the transformer, and a LeNet behind it."""
    shapes = f"shape {{ dim: [{batch}, 1, {SIZE}, {SIZE}] }} shape {{ dim: {batch} }}"
    return "".join(
        [
            'name: "transformer"\n',
            f'layer {{ name: "in" type: "Input" top: "data" top: "label" input_param {{ {shapes} }} }}\n',
            convolution("loc_conv1", "data", 20),
            pooling("loc_pool1", "loc_conv1"),
            relu("loc_relu1", "loc_pool1"),
            convolution("loc_conv2", "loc_pool1", 20),
            pooling("loc_pool2", "loc_conv2"),
            relu("loc_relu2", "loc_pool2"),
            inner_product("loc_ip", "loc_pool2", 20),
            relu("loc_relu3", "loc_ip"),
            inner_product("theta", "loc_ip", 6),
            layer("st", "SpatialTransformer", "data theta", "st", "st_param { to_compute_dU: false }"),
            convolution("conv1", "st", 20),
            pooling("pool1", "conv1"),
            convolution("conv2", "pool1", 50),
            pooling("pool2", "conv2"),
            inner_product("ip1", "pool2", 500),
            relu("relu1", "ip1"),
            inner_product("ip2", "ip1", CLASSES),
            layer("loss", "SoftmaxWithLoss", "ip2 label", "loss"),
        ]
    )


class ByHand(nn.Module):
    """What someone who knows PyTorch would write."""

    def __init__(self) -> None:
        super().__init__()
        self.loc_conv1, self.loc_conv2 = nn.Conv2d(1, 20, 5), nn.Conv2d(20, 20, 5)
        self.loc_ip, self.theta = nn.Linear(20 * 4 * 4, 20), nn.Linear(20, 6)
        self.conv1, self.conv2 = nn.Conv2d(1, 20, 5), nn.Conv2d(20, 50, 5)
        self.ip1, self.ip2 = nn.Linear(50 * 4 * 4, 500), nn.Linear(500, CLASSES)
        nn.init.normal_(self.theta.weight, std=0.01)
        # A little off the identity, whose positions are whole pixels: there the gradient to theta jumps.
        self.theta.bias.data = torch.tensor([0.9137, 0.1321, 0.0417, -0.1109, 0.9293, -0.0313])
        steps = torch.arange(SIZE) * 2 / SIZE - 1
        rows, columns = torch.meshgrid(steps, steps, indexing="ij")
        self.register_buffer("base", torch.stack([rows, columns, torch.ones_like(rows)], dim=-1).view(-1, 3))

    def transform(self, x: Tensor) -> Tensor:
        theta = self.theta(F.relu(self.loc_ip(self.locate(x).flatten(1)))).view(-1, 2, 3)
        positions = (self.base @ theta.transpose(1, 2)).view(-1, SIZE, SIZE, 2)
        # Rows first, from the left edge of the first pixel: grid_sample wants columns first, and centres.
        return F.grid_sample(x, positions.flip(-1) + 1 / SIZE, align_corners=False)

    def locate(self, x: Tensor) -> Tensor:
        x = F.relu(F.max_pool2d(self.loc_conv1(x), 2))
        return F.relu(F.max_pool2d(self.loc_conv2(x), 2))

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        x = F.max_pool2d(self.conv1(self.transform(x)), 2)
        x = F.max_pool2d(self.conv2(x), 2)
        return F.cross_entropy(self.ip2(F.relu(self.ip1(x.flatten(1)))), label)


def timed(step: Callable[[], Tensor], device: torch.device) -> float:
    """Milliseconds of one forward and backward pass."""
    begin = perf_counter()
    step().backward()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (perf_counter() - begin) * 1e3


def compile_text(text: str, device: torch.device) -> netspec.Net:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "net.prototxt"
        file.write_text(text)
        return netspec.compile_net(file, phase="TRAIN", device=str(device))


def share_weights(net: netspec.Net, hand: ByHand) -> list[tuple[nn.Parameter, nn.Parameter]]:
    """Copies the weights of the net by hand; the pairs of parameters that correspond."""
    named = dict(hand.named_children())
    pairs = [
        (blob, parameter)
        for name, blobs in net.params.items()
        for blob, parameter in zip(blobs, named[name].parameters(), strict=True)
    ]
    for blob, parameter in pairs:
        blob.data.copy_(parameter.data)
    return pairs


def check_same(ours: Callable[[], Tensor], theirs: Callable[[], Tensor], pairs: list) -> None:
    """Both nets must compute the same, or their times say nothing."""
    losses = ours(), theirs()
    torch.testing.assert_close(losses[0], losses[1])
    for loss in losses:
        loss.backward()
    for blob, parameter in pairs:
        largest = parameter.grad.abs().max().item()
        torch.testing.assert_close(blob.grad, parameter.grad, rtol=0, atol=1e-2 * largest)


def main() -> None:
    parser = argparse.ArgumentParser(description="time a step of netspec's net and of the same net by hand")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=30)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    device = torch.device(args.device)
    torch.manual_seed(1)
    data = torch.rand(args.batch, 1, SIZE, SIZE, device=device)
    label = torch.randint(CLASSES, (args.batch,), device=device)
    hand = ByHand().to(device)
    net = compile_text(prototxt(args.batch), device)

    def ours() -> Tensor:
        net.zero_grad(set_to_none=True)
        return net.loss(net(data=data, label=label))

    def theirs() -> Tensor:
        hand.zero_grad(set_to_none=True)
        return hand(data, label)

    check_same(ours, theirs, share_weights(net, hand))
    turns = [(timed(ours, device), timed(theirs, device)) for _ in range(args.repetitions + 3)]
    mine, other = (median(times) for times in zip(*turns[3:], strict=True))
    print(f"batch {args.batch}, {args.device}, torch {torch.__version__}, {platform.machine()}, "
          f"{torch.get_num_threads()} threads, median of {args.repetitions}\n")  # fmt: skip
    print("| | forward + backward, ms | ratio |\n|---|---|---|")
    print(f"| by hand | {other:.2f} | 1 |\n| netspec | {mine:.2f} | {mine / other:.3f} |")


if __name__ == "__main__":
    main()
