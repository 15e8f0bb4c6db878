"""MNIST as data layers read it: databases as Caffe's example makes them, or images with a list.

LeCun, Cortes and Burges, "The MNIST database of handwritten digits", http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec.data.download import download
from netspec.data.idx import read_mnist
from netspec.data.parts import Example, Part, make_folder
from netspec.errors import DataError

Bytes = NDArray[np.uint8]

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

# Of what is inside the published archives, so that it does not matter who packed them.
_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def fetch_mnist(folder: Path, mirrors: Iterable[str] = MIRRORS) -> None:
    """Downloads those of the four files of MNIST that are not in ``folder`` yet, packed or unpacked.

    Raises:
        DataError: no mirror has a file, or has the right one.
    """
    make_folder(folder)
    for name, digest in _SHA256.items():
        if not (folder / name).is_file():
            urls = [f"{mirror}{name}.gz" for mirror in mirrors]
            download(folder / f"{name}.gz", urls, partial(_verify, digest=digest, packed=True))


def verify_mnist(folder: Path) -> None:
    """Makes sure that the files of MNIST in ``folder`` are those that were published.

    Raises:
        DataError: one has another content.
    """
    for name, digest in _SHA256.items():
        path = next((path for path in _places(folder, name) if path.is_file()), None)
        if path is not None:
            _verify(path, digest, packed=path.suffix == ".gz")


def mnist_parts(source: Path) -> Iterator[Part]:
    """Both halves of MNIST, of the four files in ``source``.

    As databases, mnist_train_lmdb and mnist_test_lmdb (or _leveldb), they hold what Caffe's example puts into
    them: raw images of 1x28x28 under the keys 00000000, 00000001, ...

    Raises:
        DataError: a file is missing or broken.
    """
    for train in (True, False):
        images, labels = read_mnist(source, train=train)
        make = partial(_example, images, labels)
        yield Part(f"mnist_{'train' if train else 'test'}", len(images), make)


def _example(images: Bytes, labels: Bytes, number: int) -> Example:
    return Example(images[number], int(labels[number]))


def require_mnist(source: Path) -> None:
    """Makes sure that the four files of MNIST are in ``source``, packed or not.

    Raises:
        DataError: some are missing; all are named.
    """
    missing = [name for name in _SHA256 if not any(path.is_file() for path in _places(source, name))]
    if missing:
        message = (
            f"expected MNIST's four files in this folder, packed (.gz) or not; missing: {', '.join(missing)}"
        )
        raise DataError.at(message, file=str(source), help="without -source, they are downloaded")


def _places(folder: Path, name: str) -> tuple[Path, Path]:
    """Where a file may be, in the order in which it is looked for."""
    return folder / name, folder / f"{name}.gz"


def _verify(path: Path, digest: str, *, packed: bool) -> None:
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if packed else content
    except (OSError, EOFError, zlib.error) as error:
        help = "fetch the file again: it may be cut short or another file"
        raise DataError.at(f"cannot be read: {error}", file=str(path), help=help) from error
    found = sha256(content).hexdigest()
    if found != digest:
        message = f"is not the file that was published: SHA-256 {found}, not {digest}"
        help = "fetch the file again; for other data in MNIST's format, give -any_digest"
        raise DataError.at(message, file=str(path), help=help)
