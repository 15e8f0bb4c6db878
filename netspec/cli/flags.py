"""gflags' spellings on top of argparse, and the flags that several verbs share."""

from __future__ import annotations

from argparse import Action, ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from netspec.errors import UsageError
from netspec.text.suggest import nearest, one_of

# What the compiler knows, without the time that asking it would take.
ENGINES = ("auto", "eager", "compiled", "graph")
PRECISIONS = ("fp32", "tf32", "bf16", "fp16")

HELP_FLAGS = ("-h", "-help", "--help")
_SWITCHED = {  # by what gflags takes behind a switch: -gray=true
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}


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
        plain: list[str] = []
        for word, typed in zip(words, argv, strict=True):
            flag, on = self._switch(word)
            name = flag.partition("=")[0]
            if name.startswith("--") and name != "--" and name not in self._option_string_actions:
                self._refuse(name, typed.partition("=")[0])
            plain = [*plain, flag] if on else [other for other in plain if other != flag]
        return self.parse_args(plain)

    def _switch(self, word: str) -> tuple[str, bool]:
        """The switch that a word turns on or off, in gflags' way; any other word as it is."""
        flag, equals, value = word.partition("=")
        if equals and self._is_switch(flag):
            if value.lower() not in _SWITCHED:
                self.error(f"argument {flag}: expected true or false, not '{value}'")
            return flag, _SWITCHED[value.lower()]
        without = f"--{word[4:]}"
        return (without, False) if word.startswith("--no") and self._is_switch(without) else (word, True)

    def _is_switch(self, flag: str) -> bool:
        return flag in self._option_string_actions and self._option_string_actions[flag].const is True

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
    return _whole(text, 1)


def count_from_zero(text: str) -> int:
    """The type of a flag that takes a whole number of at least 0."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise ArgumentTypeError(f"a whole number of at least {least} is expected, not '{text}'")
    return number


def add_gpu(parser: ArgumentParser) -> None:
    """-gpu, read by `device`."""
    parser.add_argument("--gpu", metavar="ID", help="the GPU to run on; of 0,1 or all, the first")


def add_compute(parser: ArgumentParser) -> None:
    """-engine, -precision, -recompute and -deterministic; the first three are read by `compute`."""
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="how to run the net (auto)")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="how exactly (fp32)")
    add_recompute(parser)
    parser.add_argument("--deterministic", action="store_true", help="the same numbers in every run")


def add_recompute(parser: ArgumentParser) -> None:
    """-recompute, for a verb that does not run the net too."""
    parser.add_argument(
        "--recompute", action="store_true", help="take less memory: compute activations again on the way back"
    )


def compute(args: Namespace) -> dict[str, Any]:
    """How to run a net, as `compile_net` and `load_solver` take it."""
    return {"engine": args.engine, "precision": args.precision, "recompute": args.recompute}


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


def add_ignore_mismatched(parser: ArgumentParser) -> None:
    """-ignore_mismatched: without it, a weight file with other shapes than the net's is an error."""
    parser.add_argument(
        "--ignore-mismatched",
        action="store_true",
        help="leave layers at their fillers' numbers where the weights have other shapes",
    )


def state(args: Namespace) -> dict[str, Any]:
    """The net state that -phase, -level and -stage name, as `compile_net` takes it."""
    return {"phase": args.phase, "level": args.level, "stages": split(args.stage)}


def split(text: str) -> list[str]:
    """A flag's comma-separated values."""
    return [part.strip() for part in text.split(",") if part.strip()]


def gpus(args: Namespace) -> list[int]:
    """The GPUs that -gpu names, none without the flag.

    Raises:
        UsageError: this machine has no such GPU.
    """
    if not args.gpu:
        return []
    import torch

    found = torch.cuda.device_count()
    here = f"has {found} (from 0)" if found else "has none"
    help = "leave -gpu out to run on the CPU"
    wanted = [str(index) for index in range(found)] if args.gpu == "all" else split(args.gpu)
    if not all(index.isdecimal() for index in wanted):
        raise UsageError.at(f"-gpu takes numbers with commas between them, or 'all', not '{args.gpu}'")
    if not wanted or any(int(index) >= found for index in wanted):
        raise UsageError.at(f"-gpu {args.gpu}: this machine {here}", help=help)
    return [int(index) for index in wanted]


def device(args: Namespace) -> str | None:
    """The device that -gpu names, as PyTorch calls it: its first where it names several; None without it.

    Raises:
        UsageError: this machine has no such GPU.
    """
    first = next(iter(gpus(args)), None)
    return None if first is None else f"cuda:{first}"
