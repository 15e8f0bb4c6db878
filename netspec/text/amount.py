"""Large numbers as people read them."""

from __future__ import annotations


def amount(number: float, unit: str = "") -> str:
    """A number with three digits and a prefix: 1.23 M. Below a thousand it is exact."""
    prefixes = ["", "k", "M", "G", "T", "P", "E"]
    while number >= 1000 and len(prefixes) > 1:
        number /= 1000
        prefixes.pop(0)
    digits = f"{number:g}" if prefixes[0] == "" else f"{number:.3g}"
    return f"{digits} {prefixes[0]}{unit}".rstrip()
