"""DetectionOutput."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.boxes import decode, suppress
from netspec.layers.detection_files import FORMATS, DetectionFiles, read_label_map, read_sizes
from netspec.layers.multibox_loss import check_predictions
from netspec.layers.registry import layer
from netspec.schema.messages import SaveOutputParameter

_PARAM = "detection_output_param"


@layer("DetectionOutput", bottoms=(3, 4), tops=1, origin="other fork")
class DetectionOutput(Layer):
    """The objects that a detector has found: boxes decoded, doubles dropped, the best ones kept.

    Bottoms: offsets (N, 4 P), or as many per class without share_location; scores (N, P classes), after any
    softmax; priors (1, 2, 4 P), as of PriorBox. Of each class but the background, scores above
    confidence_threshold count, the nms_param.top_k best of them; a box goes that overlaps a better one by
    more than nms_threshold, see `boxes.suppress`. Of what is left, an item keeps its keep_top_k best. The
    top (1, 1, M, 7) holds (item, class, score, xmin, ymin, xmax, ymax), item by item, class by class, the
    best first. Where nothing at all is found, M is N and each row holds its item and then -1. There is no
    gradient. With save_output_param, detections go to files as well, see `detection_files`. Liu et al., "SSD:
    single shot multibox detector", 2016.
    """

    classes: Tensor

    def setup(self, loc: Shape, conf: Shape, priors: Shape, *image: Shape) -> None:
        param = self.spec.detection_output_param
        check_predictions(self, _PARAM, (loc, conf, priors), param.num_classes, param.share_location)
        if param.visualize:
            message = "visualize would show a window"
            raise self.error(message, _PARAM, "visualize", help="draw the boxes that the top holds")
        nms = param.nms_param
        if nms.nms_threshold < 0:
            raise self.error("nms_threshold must not be negative", _PARAM, "nms_param", "nms_threshold")
        if not 0 < nms.eta <= 1:
            raise self.error("eta must be above 0 and at most 1", _PARAM, "nms_param", "eta")
        self.threshold, self.eta = nms.nms_threshold, nms.eta
        self.top = nms.top_k if nms.HasField("top_k") and nms.top_k >= 0 else None
        self.keep = param.keep_top_k if param.keep_top_k >= 0 else None
        has_least = param.HasField("confidence_threshold")
        self.least = param.confidence_threshold if has_least else -torch.inf
        self.code, self.plain = param.code_type, param.variance_encoded_in_target
        self.sets = 1 if param.share_location else param.num_classes
        self.save = self._saves(param.save_output_param)
        classes = [label for label in range(param.num_classes) if label != param.background_label_id]
        self.register_buffer("classes", torch.tensor(classes, dtype=torch.long), persistent=False)

    def _saves(self, param: SaveOutputParameter) -> bool:
        """Whether detections go to files. As in the fork, not without a label map and the images' sizes."""
        if not (param.output_directory and param.label_map_file and param.name_size_file):
            return False
        if param.output_format not in FORMATS:
            message = f"output_format must be one of {', '.join(FORMATS)}"
            raise self.error(message, _PARAM, "save_output_param", "output_format")
        return True

    @cached_property
    def _files(self) -> DetectionFiles:
        param, path = self.spec.detection_output_param.save_output_param, (_PARAM, "save_output_param")
        names = read_label_map(self.find_file(param.label_map_file, *path, "label_map_file"))
        images = read_sizes(self.find_file(param.name_size_file, *path, "name_size_file"))
        count = param.num_test_image if param.HasField("num_test_image") else len(images)
        if not 0 < count <= len(images):
            raise self.error(f"{len(images)} images are listed, not {count}", *path, "num_test_image")
        return DetectionFiles(
            folder=Path(param.output_directory),
            prefix=param.output_name_prefix,
            format=param.output_format,
            names={label: names[label] for label in self.classes.tolist() if label in names},
            images=images[:count],
            resize=param.resize_param if param.HasField("resize_param") else None,
        )

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        return [(1, 1, 1, 7)]  # how many there are is known when they are found

    # How much there is to do depends on the data, which a compiler cannot follow.
    @torch.compiler.disable  # type: ignore[untyped-decorator, unused-ignore]
    @torch.no_grad()
    def forward(self, loc: Tensor, conf: Tensor, priors: Tensor, *image: Tensor) -> Tensor:
        items, count = loc.shape[0], priors.shape[2] // 4
        prior, variance = priors[0].reshape(2, count, 4)
        offsets = loc.reshape(items, count, self.sets, 4).transpose(1, 2)
        boxes = decode(prior, variance, offsets, self.code, self.plain)
        scores = conf.reshape(items, count, -1).transpose(1, 2).index_select(1, self.classes)
        if self.sets > 1:
            boxes = boxes.index_select(1, self.classes)
        scores, boxes, found = self._best(scores, boxes.expand(*scores.shape, 4))
        found = suppress(boxes.flatten(0, 1), found.flatten(0, 1), self.threshold, self.eta).view_as(found)
        if self.keep is not None:
            found = self._kept(scores, found)
        item, label, _ = found.nonzero(as_tuple=True)
        if len(item):
            heads = torch.stack([item, self.classes[label]], 1)
            rows = torch.cat([heads.to(scores.dtype), scores[found][:, None], boxes[found]], 1)
        else:
            rows = scores.new_full((items, 7), -1)
            rows[:, 0] = torch.arange(items)
        if self.save:
            self._files.add(rows, items)
        return rows[None, None]

    def _best(self, scores: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The K best of scores (N, L, P) and boxes (N, L, P, 4), best first, and which of them count."""
        counts = scores > self.least
        # As few columns as will do: what follows goes through them one by one.
        most = int(counts.sum(-1).max()) if counts.numel() else 0
        most = most if self.top is None else min(most, self.top)
        scores, order = scores.masked_fill(~counts, -torch.inf).sort(dim=-1, descending=True, stable=True)
        order = order[..., :most]
        boxes = boxes.gather(2, order[..., None].expand(*order.shape, 4))
        return scores[..., :most], boxes, counts.gather(2, order)

    def _kept(self, scores: Tensor, found: Tensor) -> Tensor:
        """Of what was found, (N, L, K), the best of each item."""
        flat = scores.masked_fill(~found, -torch.inf).flatten(1)
        best = flat.argsort(dim=1, descending=True, stable=True)[:, : self.keep]
        return found & torch.zeros_like(found.flatten(1)).scatter(1, best, True).view_as(found)
