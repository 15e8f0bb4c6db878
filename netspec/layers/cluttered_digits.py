"""ClutteredDigits."""

from __future__ import annotations

from dataclasses import replace

from netspec.data import digits
from netspec.data.stream import Stream
from netspec.errors import DataError
from netspec.layers.base import DataLayer, Shape
from netspec.layers.registry import layer

_PARAM = "cluttered_digits_param"
_SETTINGS = (
    *("batch_size", "height", "width", "digits", "digit_size", "clutter", "clutter_size"),
    *("translation", "rotation", "min_scale", "max_scale"),
)


@layer("ClutteredDigits", bottoms=0, tops=2, origin="own")
class ClutteredDigits(DataLayer):
    """Digits in random places among clutter, drawn on the fly, without end; and their classes.

    Tops: images (N, 1, height, width) in [0, 1]; labels (N), or (N, digits) for several digits. The phase
    chooses between two disjoint series. A seed of its own makes the series the same whatever the solver's.
    """

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        param = self.spec.cluttered_digits_param
        n = param.batch_size
        return [(n, 1, param.height, param.width), (n,) if param.digits == 1 else (n, param.digits)]

    def stream(self, seed: int) -> Stream:
        param = self.spec.cluttered_digits_param
        source = param.source
        if source != "strokes":
            source = str(self.find_file(source, _PARAM, "source"))
        settings = {name: getattr(param, name) for name in _SETTINGS}
        seed = param.seed if param.HasField("seed") else seed
        try:
            return digits.ClutteredDigits(
                source=source, train=self.training, seed=seed, share=self.share, **settings
            )
        except DataError as error:
            span = self.span(_PARAM)
            raise DataError([replace(d, span=d.span or span) for d in error.diagnostics]) from error
