"""The nets that the benchmarks run: as text for netspec, and as someone who knows PyTorch would write them.

In the modules by hand, a submodule has the name of the layer whose weights it shares; the batch normalisation
``bn`` stands for the layers ``bn`` and ``bn_scale``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# As text ------------------------------------------------------------------------------------------------


class Text:
    """A net's text as it grows. Each method gives the name of the top to go on from."""

    def __init__(self, batch: int, channels: int, side: int) -> None:
        shapes = f"shape {{ dim: [{batch}, {channels}, {side}, {side}] }} shape {{ dim: {batch} }}"
        self.lines = [
            f'layer {{ name: "in" type: "Input" top: "data" top: "label" input_param {{ {shapes} }} }}'
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def add(self, type: str, name: str, bottoms: str, more: str = "", *, top: str = "") -> str:
        wires = "".join(f' bottom: "{bottom}"' for bottom in bottoms.split())
        self.lines.append(f'layer {{ name: "{name}" type: "{type}"{wires} top: "{top or name}" {more} }}')
        return top or name

    def conv(
        self, name: str, x: str, outputs: int, kernel: int, stride: int = 1, pad: int = 0, more: str = ""
    ) -> str:
        sizes = f"num_output: {outputs} kernel_size: {kernel} stride: {stride} pad: {pad}"
        filler = 'weight_filler { type: "msra" }'
        return self.add("Convolution", name, x, f"convolution_param {{ {sizes} {filler} {more} }}")

    def full(self, name: str, x: str, outputs: int, filler: str = 'type: "xavier"', bias: str = "") -> str:
        more = f"num_output: {outputs} weight_filler {{ {filler} }} {bias}"
        return self.add("InnerProduct", name, x, f"inner_product_param {{ {more} }}")

    def relu(self, x: str) -> str:
        return self.add("ReLU", f"relu_{x}", x, top=x)

    def pool(self, name: str, x: str, kernel: int, stride: int, pad: int = 0, kind: str = "MAX") -> str:
        sizes = f"kernel_size: {kernel} stride: {stride} pad: {pad}"
        return self.add("Pooling", name, x, f"pooling_param {{ pool: {kind} {sizes} }}")

    def theta(self, name: str, x: str) -> str:
        """The regressor of a transformer; it starts a little off the identity, whose positions are whole
        pixels: there the gradient to theta jumps."""
        return self.full(
            name, x, 6, 'type: "gaussian" std: 0.001', 'bias_filler { type: "constant" value: 0.3 }'
        )

    def loss(self, scores: str) -> Text:
        self.add("SoftmaxWithLoss", "loss", f"{scores} label")
        return self


def transformer(batch: int) -> Text:
    text = Text(batch, 1, 28)
    x = text.relu(text.pool("loc_pool1", text.conv("loc_conv1", "data", 20, 5), 2, 2))
    x = text.relu(text.pool("loc_pool2", text.conv("loc_conv2", x, 20, 5), 2, 2))
    theta = text.theta("theta", text.relu(text.full("loc_ip", x, 20)))
    x = text.add("SpatialTransformer", "st", f"data {theta}", "st_param { to_compute_dU: false }")
    x = text.pool("pool1", text.conv("conv1", x, 20, 5), 2, 2)
    x = text.pool("pool2", text.conv("conv2", x, 50, 5), 2, 2)
    return text.loss(text.full("ip2", text.relu(text.full("ip1", x, 500)), 10))


def signs(batch: int) -> Text:
    text = Text(batch, 3, 48)

    def locate(name: str, x: str, widths: tuple[int, int, int]) -> str:
        y = text.pool(f"{name}_pool0", x, 2, 2)
        for index, width in enumerate(widths[:2], 1):
            y = text.relu(text.conv(f"{name}_conv{index}", y, width, 5, pad=2))
            y = text.pool(f"{name}_pool{index}", y, 2, 2)
        theta = text.theta(f"{name}_theta", text.relu(text.full(f"{name}_ip", y, widths[2])))
        return text.add("SpatialTransformer", name, f"{x} {theta}")

    def block(index: int, x: str, width: int, kernel: int) -> str:
        y = text.relu(text.conv(f"conv{index}", x, width, kernel, pad=2))
        y = text.pool(f"pool{index}", y, 2, 2)
        return text.add("ContrastiveNormalization", f"norm{index}", y)

    x = block(1, locate("st1", "data", (200, 300, 200)), 150, 7)
    x = block(3, locate("st2", block(2, x, 200, 4), (150, 150, 150)), 300, 4)
    return text.loss(text.full("ip2", text.relu(text.full("ip1", x, 350)), 43))


def alexnet(batch: int) -> Text:
    text = Text(batch, 3, 227)
    x = text.relu(text.conv("conv1", "data", 96, 11, 4))
    x = text.pool("pool1", text.add("LRN", "norm1", x, "lrn_param { alpha: 1e-4 }"), 3, 2)
    x = text.relu(text.conv("conv2", x, 256, 5, pad=2, more="group: 2"))
    x = text.pool("pool2", text.add("LRN", "norm2", x, "lrn_param { alpha: 1e-4 }"), 3, 2)
    x = text.relu(text.conv("conv3", x, 384, 3, pad=1))
    x = text.relu(text.conv("conv4", x, 384, 3, pad=1, more="group: 2"))
    x = text.pool("pool5", text.relu(text.conv("conv5", x, 256, 3, pad=1, more="group: 2")), 3, 2)
    x = text.relu(text.full("fc7", text.relu(text.full("fc6", x, 4096)), 4096))
    return text.loss(text.full("fc8", x, 1000))


# Widths of the branches: 1x1; 1x1 and 3x3; 1x1 and 5x5; 1x1 after a pooling.
INCEPTIONS = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}


def googlenet(batch: int) -> Text:
    text = Text(batch, 3, 224)

    def conv(name: str, x: str, outputs: int, kernel: int, stride: int = 1, pad: int = 0) -> str:
        return text.relu(text.conv(name, x, outputs, kernel, stride, pad))

    x = text.pool("pool1", conv("conv1", "data", 64, 7, 2, 3), 3, 2)
    x = text.add("LRN", "norm1", x, "lrn_param { alpha: 1e-4 }")
    x = conv("conv2", conv("conv2_reduce", x, 64, 1), 192, 3, pad=1)
    x = text.pool("pool2", text.add("LRN", "norm2", x, "lrn_param { alpha: 1e-4 }"), 3, 2)
    for name, (_, one, reduce3, three, reduce5, five, pooled) in INCEPTIONS.items():
        branches = [
            conv(f"{name}_1", x, one, 1),
            conv(f"{name}_3", conv(f"{name}_3r", x, reduce3, 1), three, 3, pad=1),
            conv(f"{name}_5", conv(f"{name}_5r", x, reduce5, 1), five, 5, pad=2),
            conv(f"{name}_p", text.pool(f"{name}_pool", x, 3, 1, 1), pooled, 1),
        ]
        x = text.add("Concat", name, " ".join(branches))
        if name in ("3b", "4e"):
            x = text.pool(f"pool_{name}", x, 3, 2)
    return text.loss(text.full("classifier", text.pool("pool5", x, 7, 1, kind="AVE"), 1000))


BLOCKS = (3, 4, 6, 3)


def resnet50(batch: int) -> Text:
    text = Text(batch, 3, 224)

    def conv(name: str, x: str, outputs: int, kernel: int, stride: int = 1, pad: int = 0) -> str:
        x = text.conv(name, x, outputs, kernel, stride, pad, more="bias_term: false")
        x = text.add("BatchNorm", f"{name}_bn", x)
        return text.add("Scale", f"{name}_bn_scale", x, "scale_param { bias_term: true }")

    x = text.pool("pool1", text.relu(conv("conv1", "data", 64, 7, 2, 3)), 3, 2)
    for stage, count in enumerate(BLOCKS):
        width = 64 * 2**stage
        for index in range(count):
            name, stride = f"res{stage}_{index}", 2 if stage and not index else 1
            short = x if index else conv(f"{name}_s", x, 4 * width, 1, stride)
            y = text.relu(conv(f"{name}_a", x, width, 1, stride))
            y = text.relu(conv(f"{name}_b", y, width, 3, pad=1))
            x = text.relu(text.add("Eltwise", name, f"{short} {conv(f'{name}_c', y, 4 * width, 1)}"))
    x = text.add("Pooling", "pool5", x, "pooling_param { pool: AVE global_pooling: true }")
    return text.loss(text.full("classes", x, 1000))


# By hand ------------------------------------------------------------------------------------------------


def warp(x: Tensor, theta: Tensor) -> Tensor:
    """An affine transformer in the convention of the Caffe forks: rows first, from the left edge on."""
    height, width = x.shape[2:]
    rows, columns = (torch.arange(size).to(x) * 2 / size - 1 for size in (height, width))
    ones = x.new_ones(height, width)
    base = torch.stack([*torch.meshgrid(rows, columns, indexing="ij"), ones], -1).view(-1, 3)
    places = (base @ theta.view(-1, 2, 3).transpose(1, 2)).view(-1, height, width, 2).flip(-1)
    shift = torch.tensor([1 / width, 1 / height]).to(x)
    return F.grid_sample(x, places + shift, align_corners=False)


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.loc_conv1, self.loc_conv2 = nn.Conv2d(1, 20, 5), nn.Conv2d(20, 20, 5)
        self.loc_ip, self.theta = nn.Linear(20 * 4 * 4, 20), nn.Linear(20, 6)
        self.conv1, self.conv2 = nn.Conv2d(1, 20, 5), nn.Conv2d(20, 50, 5)
        self.ip1, self.ip2 = nn.Linear(50 * 4 * 4, 500), nn.Linear(500, 10)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(F.max_pool2d(self.loc_conv1(x), 2))
        y = F.relu(F.max_pool2d(self.loc_conv2(y), 2))
        x = warp(x, self.theta(F.relu(self.loc_ip(y.flatten(1)))))
        x = F.max_pool2d(self.conv1(x), 2)
        x = F.max_pool2d(self.conv2(x), 2)
        return self.ip2(F.relu(self.ip1(x.flatten(1))))


def contrast(x: Tensor, size: int = 9) -> Tensor:
    """Spatial contrastive normalisation with a box for a neighbourhood."""
    box = x.new_full((1, 1, size, size), 1 / size**2)
    inside = F.conv2d(x.new_ones(1, 1, *x.shape[2:]), box, padding=size // 2)
    x = x - F.conv2d(x.mean(1, keepdim=True), box, padding=size // 2) / inside
    deviation = (
        F.conv2d(x.square().mean(1, keepdim=True), box, padding=size // 2).clamp(min=1e-12).sqrt() / inside
    )
    return x / deviation.clamp(min=1e-4)


class Signs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.st1_conv1, self.st1_conv2 = nn.Conv2d(3, 200, 5, padding=2), nn.Conv2d(200, 300, 5, padding=2)
        self.st1_ip, self.st1_theta = nn.Linear(300 * 6 * 6, 200), nn.Linear(200, 6)
        self.conv1, self.conv2 = nn.Conv2d(3, 150, 7, padding=2), nn.Conv2d(150, 200, 4, padding=2)
        self.st2_conv1, self.st2_conv2 = nn.Conv2d(200, 150, 5, padding=2), nn.Conv2d(150, 150, 5, padding=2)
        self.st2_ip, self.st2_theta = nn.Linear(150 * 2 * 2, 150), nn.Linear(150, 6)
        self.conv3 = nn.Conv2d(200, 300, 4, padding=2)
        self.ip1, self.ip2 = nn.Linear(300 * 7 * 7, 350), nn.Linear(350, 43)

    def locate(self, x: Tensor, *layers: nn.Module) -> Tensor:
        y = F.max_pool2d(x, 2, ceil_mode=True)
        for conv in layers[:2]:
            y = F.max_pool2d(F.relu(conv(y)), 2, ceil_mode=True)
        return warp(x, layers[3](F.relu(layers[2](y.flatten(1)))))

    def forward(self, x: Tensor) -> Tensor:
        x = self.locate(x, self.st1_conv1, self.st1_conv2, self.st1_ip, self.st1_theta)
        x = contrast(F.max_pool2d(F.relu(self.conv1(x)), 2, ceil_mode=True))
        x = contrast(F.max_pool2d(F.relu(self.conv2(x)), 2, ceil_mode=True))
        x = self.locate(x, self.st2_conv1, self.st2_conv2, self.st2_ip, self.st2_theta)
        x = contrast(F.max_pool2d(F.relu(self.conv3(x)), 2, ceil_mode=True))
        return self.ip2(F.relu(self.ip1(x.flatten(1))))


class AlexNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 96, 11, 4), nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.fc6, self.fc7, self.fc8 = nn.Linear(256 * 36, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)
        self.norm = nn.LocalResponseNorm(5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.norm(F.relu(self.conv1(x), inplace=True)), 3, 2)
        x = F.max_pool2d(self.norm(F.relu(self.conv2(x), inplace=True)), 3, 2)
        x = F.relu(self.conv4(F.relu(self.conv3(x), inplace=True)), inplace=True)
        x = F.max_pool2d(F.relu(self.conv5(x), inplace=True), 3, 2)
        x = F.relu(self.fc6(x.flatten(1)), inplace=True)
        return self.fc8(F.relu(self.fc7(x), inplace=True))


class GoogLeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2_reduce = nn.Conv2d(3, 64, 7, 2, 3), nn.Conv2d(64, 64, 1)
        self.conv2, self.norm = nn.Conv2d(64, 192, 3, padding=1), nn.LocalResponseNorm(5)
        for name, (x, one, reduce3, three, reduce5, five, pooled) in INCEPTIONS.items():
            self.add_module(f"{name}_1", nn.Conv2d(x, one, 1))
            self.add_module(f"{name}_3r", nn.Conv2d(x, reduce3, 1))
            self.add_module(f"{name}_3", nn.Conv2d(reduce3, three, 3, padding=1))
            self.add_module(f"{name}_5r", nn.Conv2d(x, reduce5, 1))
            self.add_module(f"{name}_5", nn.Conv2d(reduce5, five, 5, padding=2))
            self.add_module(f"{name}_p", nn.Conv2d(x, pooled, 1))
        self.classifier = nn.Linear(1024, 1000)

    def conv(self, name: str, x: Tensor) -> Tensor:
        return F.relu(self.get_submodule(name)(x), inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(F.max_pool2d(self.conv("conv1", x), 3, 2, ceil_mode=True))
        x = self.norm(self.conv("conv2", self.conv("conv2_reduce", x)))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        for name in INCEPTIONS:
            branches = [
                self.conv(f"{name}_1", x),
                self.conv(f"{name}_3", self.conv(f"{name}_3r", x)),
                self.conv(f"{name}_5", self.conv(f"{name}_5r", x)),
                self.conv(f"{name}_p", F.max_pool2d(x, 3, 1, 1)),
            ]
            x = torch.cat(branches, 1)
            if name in ("3b", "4e"):
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        return self.classifier(x.mean((2, 3)))


class ResNet50(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv("conv1", 3, 64, 7, 2, 3)
        width = 64
        for stage, count in enumerate(BLOCKS):
            for index in range(count):
                name, stride, inner = f"res{stage}_{index}", 2 if stage and not index else 1, 64 * 2**stage
                if not index:
                    self.conv(f"{name}_s", width, 4 * inner, 1, stride)
                self.conv(f"{name}_a", width, inner, 1, stride)
                self.conv(f"{name}_b", inner, inner, 3, 1, 1)
                self.conv(f"{name}_c", inner, 4 * inner, 1)
                width = 4 * inner
        self.classes = nn.Linear(2048, 1000)

    def conv(self, name: str, inputs: int, outputs: int, kernel: int, stride: int = 1, pad: int = 0) -> None:
        self.add_module(name, nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False))
        self.add_module(f"{name}_bn", nn.BatchNorm2d(outputs, momentum=0.9))

    def run(self, name: str, x: Tensor) -> Tensor:
        return self.get_submodule(f"{name}_bn")(self.get_submodule(name)(x))

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.run("conv1", x), inplace=True), 3, 2, ceil_mode=True)
        for stage, count in enumerate(BLOCKS):
            for index in range(count):
                name = f"res{stage}_{index}"
                y = F.relu(self.run(f"{name}_a", x), inplace=True)
                y = F.relu(self.run(f"{name}_b", y), inplace=True)
                x = x if index else self.run(f"{name}_s", x)
                x = F.relu(self.run(f"{name}_c", y) + x, inplace=True)
        return self.classes(x.mean((2, 3)))


@dataclass(frozen=True)
class Case:
    """A net in both forms; ``batches`` are what a CPU of a few cores is asked for."""

    text: Callable[[int], Text]
    by_hand: Callable[[], nn.Module]
    batches: tuple[int, ...]
    channels: int
    side: int
    classes: int


CASES = {
    "transformer": Case(transformer, Transformer, (10, 64, 256), 1, 28, 10),
    "signs": Case(signs, Signs, (50,), 3, 48, 43),
    "alexnet": Case(alexnet, AlexNet, (8,), 3, 227, 1000),
    "googlenet": Case(googlenet, GoogLeNet, (4,), 3, 224, 1000),
    "resnet50": Case(resnet50, ResNet50, (4,), 3, 224, 1000),
}
