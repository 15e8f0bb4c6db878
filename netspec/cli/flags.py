"""gflags' spellings on top of argparse, and the flags that several verbs share."""

from __future__ import annotations

from argparse import Action, ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from netspec.errors import UsageError
from netspec.text.suggest import nearest, one_of

HELP_FLAGS = ("-h", "-help", "--help")


def spelled(word: str) -> str:
    """An argument as argparse knows it: a flag gets two dashes, and dashes for underscores; a value stays."""
    if not word.startswith("-") or not word.lstrip("-")[:1].isalpha():
        return word
    if word in HELP_FLAGS:
        return "--help"
    name, equals, value = word.partition("=")
    return f"--{name.lstrip('-').replace('_', '-')}{equals}{value}"


def did_you_mean(name: str, known: Iterable[str], listing: str) -> str:
    """The help for an unknown name: the nearest known one, if any is near, and where all are listed."""
    near = nearest(name, known)
    return f"did you mean '{near}'? {listing} lists all" if near else f"{listing} lists all"


class Parser(ArgumentParser):
    """An argparse parser that raises instead of leaving the process."""

    def __init__(self, **options: Any) -> None:
        super().__init__(add_help=False, allow_abbrev=False, **options)

    def read(self, argv: Sequence[str]) -> Namespace | None:
        """The flags' values; None when help was asked for.

        Raises:
            UsageError: an unknown flag, a value missing or out of place.
        """
        words = [spelled(word) for word in argv]
        if "--help" in words:
            return None
        for word, typed in zip(words, argv, strict=True):
            if (
                word.startswith("--")
                and word != "--"
                and word.partition("=")[0] not in self._option_string_actions
            ):
                self._refuse(word.partition("=")[0], typed.partition("=")[0])
        return self.parse_args(words)

    def error(self, message: str) -> NoReturn:
        raise UsageError.at(f"{self.prog}: {message}", help=f"`{self.prog} --help` lists the flags")

    def _check_value(self, action: Action, value: Any) -> None:
        # argparse words this differently from one Python to the next.
        if action.choices is not None and value not in action.choices:
            raise ArgumentError(action, f"expected {one_of(action.choices)}, not '{value}'")

    def _refuse(self, flag: str, typed: str) -> NoReturn:
        help = did_you_mean(flag, self._option_string_actions, f"`{self.prog} --help`")
        raise UsageError.at(f"{self.prog}: unknown flag '{typed}'", help=help)


def count(text: str) -> int:
    """The type of a flag that takes a whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise ArgumentTypeError(f"a whole number of at least 1 is expected, not '{text}'")
    return number


def add_gpu(parser: ArgumentParser) -> None:
    """-gpu, read by `device`."""
    parser.add_argument("--gpu", metavar="ID", help="the GPU to run on; 'all' and lists mean their first")


def add_state(parser: ArgumentParser, phase: str) -> None:
    """-phase, -level and -stage, read by `state`; ``phase`` is the default."""
    phases = ("TRAIN", "TEST")
    parser.add_argument("--phase", type=str.upper, choices=phases, default=phase, help=f"the phase ({phase})")
    add_level_and_stage(parser)


def add_level_and_stage(parser: ArgumentParser) -> None:
    """-level and -stage, for a verb that has a phase of its own."""
    parser.add_argument("--level", type=int, help="the net's level, instead of its own")
    parser.add_argument("--stage", default="", metavar="A,B", help="the net's stages, separated by commas")


def add_allow_python_layers(parser: ArgumentParser) -> None:
    """-allow_python_layers: without it, a net's text never makes this program run code."""
    parser.add_argument(
        "--allow-python-layers", action="store_true", help="run the code of Python layers: for nets you trust"
    )


def state(args: Namespace) -> dict[str, Any]:
    """The net state that -phase, -level and -stage name, as `compile_net` takes it."""
    return {"phase": args.phase, "level": args.level, "stages": split(args.stage)}


def split(text: str) -> list[str]:
    """A flag's comma-separated values."""
    return [part.strip() for part in text.split(",") if part.strip()]


def device(args: Namespace) -> str | None:
    """The device that -gpu names, as PyTorch calls it; None without the flag.

    Raises:
        UsageError: this machine has no such GPU.
    """
    if args.gpu is None:
        return None
    import torch

    first = next(iter(split(args.gpu)), "")
    index = "0" if first == "all" else first
    if not index.isdigit():
        raise UsageError.at(f"-gpu takes a number or 'all', not '{args.gpu}'")
    found = torch.cuda.device_count()
    if int(index) >= found:
        here = f"has {found} (from 0)" if found else "has none"
        raise UsageError.at(f"-gpu {args.gpu}: this machine {here}", help="leave -gpu out to run on the CPU")
    return f"cuda:{index}"
