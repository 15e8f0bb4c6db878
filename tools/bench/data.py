"""How fast images reach a net: netspec's Feed, from an LMDB and from files, against torch's DataLoader.

All decode the same JPEGs of 256x256, crop 227x227 somewhere, mirror half of them and subtract a mean, and
each delivers one epoch in batches; netspec's workers are threads, the DataLoader's are processes. They take
turns, so that a machine that slows down slows all. Each epoch is also checked: no image is lost, none comes
twice. Prints a Markdown table.

    python tools/bench/data.py [--images 4000] [--batch 50] [--workers 1,2,4] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from warnings import filterwarnings

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

import netspec
from netspec.data.database_writer import write_database
from netspec.data.feed import Feed
from netspec.schema.messages import Datum

SIDE, CROP, QUALITY = 256, 227, 90
MEAN = (104.0, 117.0, 123.0)
TRANSFORM = (
    f"transform_param {{ crop_size: {CROP} mirror: true {' '.join(f'mean_value: {m}' for m in MEAN)} }}"
)

Epoch = Callable[[int], Iterator[tuple[Tensor, Tensor]]]


def photo(rng: np.random.Generator) -> np.ndarray:
    """An image (H, W, 3) that compresses as photographs do: most of its energy in low frequencies."""
    layers = [
        cv2.resize(
            rng.normal(0, 50 / (level + 1), (side, side, 3)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC
        )
        for level, side in enumerate((4, 8, 16, 32, 64, 128, SIDE))
    ]
    return np.clip(128 + sum(layers), 0, 255).astype(np.uint8)


def write_images(folder: Path, count: int) -> list[bytes]:
    """Writes JPEG files, a list of them and an LMDB of them, each with its number for a label."""
    rng = np.random.default_rng(0)
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    files = [cv2.imencode(".jpg", photo(rng), options)[1].tobytes() for _ in range(min(count, 200))]
    files = [files[number % len(files)] for number in range(count)]
    for number, data in enumerate(files):
        (folder / f"{number}.jpg").write_bytes(data)
    lines = "".join(f"{folder / f'{number}.jpg'} {number}\n" for number in range(count))
    (folder / "list.txt").write_text(lines)
    records = (
        (b"%08d" % number, Datum(data=data, label=number, encoded=True).SerializeToString())
        for number, data in enumerate(files)
    )
    write_database(folder / "lmdb", "LMDB", records)
    return files


def ours(folder: Path, layer: str, batch: int, count: int) -> Epoch:
    """One epoch of a data layer."""
    file = folder / "net.prototxt"
    file.write_text(f'layer {{ name: "d" top: "data" top: "label" {TRANSFORM} {layer} }}')
    net = netspec.compile_net(file, phase="TRAIN", device="cpu")
    stream = net.graph.nodes[0].layer.stream(0)

    def epoch(workers: int) -> Iterator[tuple[Tensor, Tensor]]:
        with closing(Feed(stream, workers=workers, ahead=2 * workers)) as feed:
            for _ in range(count // batch):
                yield feed.next()

    return epoch


class Files(Dataset):
    """The same images and the same arithmetic, as one writes it for a DataLoader."""

    def __init__(self, folder: Path, count: int) -> None:
        self.paths = [str(folder / f"{number}.jpg") for number in range(count)]
        self.mean = np.asarray(MEAN, np.float32).reshape(3, 1, 1)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, float]:
        image = cv2.imread(self.paths[index], cv2.IMREAD_COLOR)
        top, left, mirrored = torch.randint(SIDE - CROP + 1, (3,)).tolist()
        image = image[top : top + CROP, left : left + CROP]
        if mirrored % 2:
            image = image[:, ::-1]
        planes = image.transpose(2, 0, 1).astype(np.float32)
        planes -= self.mean
        return torch.from_numpy(planes), float(index)


def theirs(folder: Path, batch: int, count: int) -> Epoch:
    files = Files(folder, count)

    def epoch(workers: int) -> Iterator[tuple[Tensor, Tensor]]:
        # Each process decodes alone: OpenCV's own threads would only get in the others' way.
        alone = {"worker_init_fn": lambda _: cv2.setNumThreads(0)}
        yield from DataLoader(files, batch_size=batch, num_workers=workers, **alone)

    return epoch


def images_per_second(epoch: Epoch, workers: int, count: int) -> float:
    """Draws an epoch and checks that it holds each image once; the start of the workers is not counted."""
    labels, batches, begin = [], epoch(workers), 0.0
    for number, (data, label) in enumerate(batches):
        assert data.shape[1:] == (3, CROP, CROP), data.shape
        if number == 0:
            first, begin = len(data), perf_counter()
        labels += label.int().tolist()
    seconds = perf_counter() - begin
    assert sorted(labels) == list(range(count)), "images are lost, or come twice"
    return (count - first) / seconds


def main() -> None:
    cores = os.cpu_count() or 1
    steps = [2**power for power in range(10) if 2**power <= 2 * cores]
    parser = argparse.ArgumentParser(description="measure how fast images are read")
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--workers", default=",".join(map(str, steps)))
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    count = args.images - args.images % args.batch
    torch.set_num_threads(1)
    filterwarnings("ignore", "This DataLoader will create")  # more processes than there are cores: on purpose
    with TemporaryDirectory() as name:
        folder = Path(name)
        sizes = list(map(len, write_images(folder, count)))
        data = f'type: "Data" data_param {{ source: "{folder}/lmdb" backend: LMDB batch_size: {args.batch} }}'
        files = (
            f'type: "ImageData" image_data_param {{ source: "{folder}/list.txt" batch_size: {args.batch} }}'
        )
        epochs = {
            "DataLoader": theirs(folder, args.batch, count),
            "Data (LMDB)": ours(folder, data, args.batch, count),
            "ImageData (files)": ours(folder, files, args.batch, count),
        }
        print(f"{count} JPEGs of {np.mean(sizes) / 1e3:.0f} kB, batch {args.batch}, {cores} cores "
              f"({platform.machine()}), torch {torch.__version__}, median of {args.rounds}\n")  # fmt: skip
        print("| workers | DataLoader, images/s | Data (LMDB) | ratio | ImageData (files) | ratio |")
        print("|---|---|---|---|---|---|")
        for workers in map(int, args.workers.split(",")):
            turns = [
                [images_per_second(epoch, workers, count) for epoch in epochs.values()]
                for _ in range(args.rounds)
            ]
            loader, lmdb, listed = (median(speeds) for speeds in zip(*turns, strict=True))
            print(f"| {workers} | {loader:.0f} | {lmdb:.0f} | {lmdb / loader:.2f} | {listed:.0f} | "
                  f"{listed / loader:.2f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
