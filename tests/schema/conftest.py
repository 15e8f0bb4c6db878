"""Random messages of any class of the schema, for tests of what must hold for all of them."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

Kinds = dict[str, tuple[Any, ...]]

VALUES: Kinds = {
    "string": ("", "conv1", 'quo"te', "tab\t new\n \\ \0", "é 漢 \U0001f600", "it's # no comment"),
    "bytes": (b"", b"\xff\x00'\"\\", bytes(range(256))),
    "bool": (True, False),
    "float": (0.1, -1.5, 1e10, 1.1754944e-38, 1e-45, 3.4028235e38, float("inf"), 16777217.0, 1 / 3, -0.0),
    "double": (0.1, 1 / 3, -1e300, 5e-324, float("-inf")),
    "int32": (-(2**31), 2**31 - 1, -1, 0, 20),
    "int64": (-(2**63), 2**63 - 1, -1, 0, 20),
    "uint32": (2**32 - 1, 0, 20),
    "uint64": (2**64 - 1, 0, 20),
}
NAMES = {
    1: "double",
    2: "float",
    3: "int64",
    4: "uint64",
    5: "int32",
    8: "bool",
    9: "string",
    12: "bytes",
    13: "uint32",
}


def fill(message: Any, random: Random, depth: int = 4) -> Any:
    """Sets some of the fields, and the required ones and the few fields of a small message always."""
    fields = message.DESCRIPTOR.fields
    required = message.FindInitializationErrors()
    for field in fields:
        if len(fields) > 4 and field.name not in required and random.random() > 0.25:
            continue
        value = getattr(message, field.name)
        is_repeated = hasattr(value, "extend")
        for _ in range(random.randint(1, 3) if is_repeated else 1):
            if field.message_type is None:
                known = (
                    [v.number for v in field.enum_type.values]
                    if field.enum_type
                    else VALUES[NAMES[field.type]]
                )
                chosen = random.choice(known)
                value.append(chosen) if is_repeated else setattr(message, field.name, chosen)
            elif depth:
                sub = value.add() if is_repeated else value
                sub.SetInParent()
                fill(sub, random, depth - 1)
    return message


@pytest.fixture
def random_message() -> Callable[[type, int], Any]:
    """Makes the message of a class that belongs to a seed."""
    return lambda message_class, seed: fill(message_class(), Random(seed))
