"""Other names for the layers of a weight file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from netspec.errors import WeightsError
from netspec.text.suggest import nearest
from netspec.weights.layers import LayerBlobs


@dataclass(frozen=True, slots=True)
class Rule:
    r"""Renames the layer of the very name ``old``, if there is one; otherwise each layer whose whole name the
    regular expression ``old`` matches. ``new`` may hold the groups that it found: ``\1``, ``\g<name>``.

    Raises:
        ValueError: ``old`` is no regular expression, or ``new`` holds a group that it has not.
    """

    old: str
    new: str

    def __post_init__(self) -> None:
        try:
            re.compile(self.old)
            re.sub(f"{self.old}|", self.new, "")  # finds nothing, and looks at the groups of `new` for it
        except (re.error, IndexError) as error:
            raise ValueError(str(error)) from error

    def apply(self, name: str, exact: bool) -> str | None:
        """The new name, None where the rule does not mean the layer; ``exact``: only one of its very name."""
        match = None if exact else re.fullmatch(self.old, name)
        if match is not None:
            return match.expand(self.new)
        return self.new if name == self.old else None


def rename(layers: Sequence[LayerBlobs], rules: Sequence[Rule]) -> list[LayerBlobs]:
    """The layers under their new names. Each gets that of the first rule which means it, from its old name:
    ``a=b`` and ``b=a`` exchange two.

    Raises:
        WeightsError: a rule means no layer, or two layers would have one name.
    """
    names = [layer.name for layer in layers]
    exact = {rule: rule.old in names for rule in rules}
    for rule in rules:
        if all(rule.apply(name, exact[rule]) is None for name in names):
            guess = nearest(rule.old, names)
            hint = f"did you mean '{guess}'?" if guess else "`netspec inspect` lists the layers of a file"
            raise WeightsError.at(
                f"no layer is named '{rule.old}', and it matches no layer's name", help=hint
            )
    origins: dict[str, str] = {}
    for old in names:
        found = (rule.apply(old, exact[rule]) for rule in rules)
        new = next((name for name in found if name is not None), old)
        if origins.setdefault(new, old) != old:
            raise WeightsError.at(
                f"the layers '{origins[new]}' and '{old}' would both be named '{new}'",
                help="weight files know layers by name: give them different ones",
            )
    by_old = {old: new for new, old in origins.items()}
    return [replace(layer, name=by_old[layer.name]) for layer in layers]
