"""Input: blobs that the caller feeds."""

from __future__ import annotations

from netspec.layers.base import Shape, SourceLayer
from netspec.layers.registry import layer


@layer("Input", bottoms=0, tops=(1, None))
class Input(SourceLayer):
    """Blobs that the caller feeds: one top per shape, or all tops of the one shape given."""

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        given = [tuple(shape.dim) for shape in self.spec.input_param.shape]
        if len(given) not in (1, self.num_tops):
            message = f"expected a shape for each of its {self.num_tops} tops, or one for all"
            raise self.error(f"{message}, found {len(given)}", "input_param")
        for index, shape in enumerate(given):
            if min(shape, default=1) < 0:
                raise self.error(
                    f"a shape has no negative dim, found {min(shape)}", "input_param", "shape", index
                )
        return given * self.num_tops if len(given) == 1 else given
