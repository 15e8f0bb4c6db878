"""Images of a list as batches for any net: those of a track, on which a transformer should keep its eye."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from netspec.data.image_list import Listing, read_listing
from netspec.data.images import ImageFiles
from netspec.data.transformer import Transformer
from netspec.errors import DataError, NetError
from netspec.schema.document import load_document
from netspec.schema.messages import TransformationParameter
from netspec.text.source import Source

if TYPE_CHECKING:
    from netspec.compiler.net import Net
    from netspec.graph.graph import Blob, Node

# What would change the size to which the images are brought.
_SIZES = ("crop_size", "crop_h", "crop_w", "resize_param", "mirror")


@dataclass(frozen=True)
class Sequence:
    """A list's images, and the blobs of a net that they are for.

    Attributes:
        top: the blob of images.
        labelled: the blobs that have a number for each image: they are fed the labels.
        others: further blobs that are fed: with zeros.
    """

    listing: Listing
    files: ImageFiles
    transformer: Transformer
    top: Blob
    labelled: tuple[Blob, ...]
    others: tuple[Blob, ...]

    def batches(self, count: int | None = None) -> Iterator[tuple[dict[str, Tensor], int]]:
        """What to feed for the first ``count`` images, and how many of a batch's items are images of the
        list: the last batch is filled with its last image.

        Raises:
            DataError: an image is missing or broken.
        """
        size = self.top.shape[0]
        total = len(self.listing.names[:count])
        for start in range(0, total, size):
            items = [min(start + item, total - 1) for item in range(size)]
            feeds = {self.top.name: torch.from_numpy(np.stack([self._image(item) for item in items]))}
            labels = torch.from_numpy(self.listing.labels[items])
            feeds |= {blob.name: labels.reshape(blob.shape) for blob in self.labelled}
            feeds |= {blob.name: torch.zeros(blob.shape) for blob in self.others}
            yield feeds, min(size, total - start)

    def _image(self, item: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        _, channels, height, width = self.top.shape
        image = self.files.read(
            self.listing.names[item],
            lambda: self.listing.span(item),
            color=channels == 3,
            size=(height, width),
        )
        return self.transformer(image, item)


def read_sequence(net: Net, path: Path, transform: str = "", *, root: str = "") -> Sequence:
    """Reads a list of images for a net. They are brought to the size that it takes.

    Args:
        path: a text file with a line `path label` for each image.
        transform: the text of a transform_param; without one, that of the net's data layer counts.
        root: put in front of each name.

    Raises:
        NetError: the net takes no images of one or three channels, or the transform_param is wrong.
        DataError: the list is missing or wrong.
    """
    node, top = _images(net)
    param = node.layer.spec.transform_param
    spans = node.layer.spans.sub("transform_param")
    if transform:
        document = load_document(Source("-transform_param", transform), TransformationParameter)
        param, spans = document.message, document.spans
    kept = TransformationParameter()
    kept.CopyFrom(param)
    for name in _SIZES:
        kept.ClearField(name)
    listing = _listing(path)
    files = ImageFiles((listing.source.folder,), root=root)
    rest = [blob for source in net.graph.sources for blob in source.tops if blob is not top]
    labelled = tuple(blob for blob in rest if prod(blob.shape) == top.shape[0])
    others = tuple(blob for blob in rest if blob not in labelled)
    return Sequence(listing, files, Transformer(kept, spans, training=False), top, labelled, others)


def _images(net: Net) -> tuple[Node, Blob]:
    """The first blob of images that comes into a net, and its layer."""
    for node in net.graph.sources:
        for top in node.tops:
            if len(top.shape) == 4 and top.shape[1] in (1, 3):
                return node, top
    message = f"net '{net.graph.name}' takes no images"
    raise NetError.at(message, help="they would be a blob NxCxHxW with one channel or three")


def _listing(path: Path) -> Listing:
    if not path.is_file():
        raise DataError.at("no such image list", file=str(path), help="a line `path label` per image")
    return read_listing(path)
