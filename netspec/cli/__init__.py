"""The command line: Caffe's verbs and flags. One file per verb, imported when it is used.

Exit status: 0 done, 1 the user's input was wrong, 2 the command line was wrong. Logs go to stderr, results to
stdout, and nothing below this package writes to either.
"""

from __future__ import annotations

import importlib
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from netspec.cli import flags
from netspec.errors import NetspecError, UsageError

VERBS = (
    "train",
    "sweep",
    "test",
    "time",
    "device_query",
    "check",
    "upgrade",
    "summary",
    "layers",
    "convert",
    "inspect",
    "data",
    "plot",
    "draw",
    "visualize",
)

# What a shell reports for a process that SIGINT or SIGPIPE ended.
INTERRUPTED = 130
BROKEN_PIPE = 141


class Verb(Protocol):
    """What the module of a verb holds."""

    HELP: str

    def add_flags(self, parser: ArgumentParser) -> None:
        """Declares the verb's flags."""

    def run(self, args: Namespace) -> int:
        """Does the work; the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line (without the program's name; the process's own by default); the exit status."""
    try:
        menu = Menu("netspec", __name__, VERBS, "verb")
        status = _dispatch(list(sys.argv[1:] if argv is None else argv), menu)
        sys.stdout.flush()
    except NetspecError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except BrokenPipeError:
        # Python flushes stdout once more on exit, and would complain about the closed pipe then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


@dataclass(frozen=True, slots=True)
class Menu:
    """The verbs of a program, or the tools of one verb: modules of a package, named as they are typed."""

    prog: str
    package: str
    names: tuple[str, ...]
    noun: str

    def load(self, name: str) -> Verb:
        return cast(Verb, importlib.import_module(f"{self.package}.{name.replace('-', '_')}"))


def _dispatch(argv: list[str], menu: Menu) -> int:
    if not argv or argv[0] in flags.HELP_FLAGS or argv[0] == "help":
        print(_overview(menu))
        return 0
    if flags.spelled(argv[0]) == "--version":
        print(f"netspec {_version()}")
        return 0
    name, rest = _split_verb(argv, menu)
    verb = menu.load(name)
    prog = f"{menu.prog} {name}"
    if tools := getattr(verb, "TOOLS", ()):
        return _dispatch(rest, Menu(prog, f"{menu.package}.{name}", tools, "tool"))
    parser = flags.Parser(prog=prog, description=verb.HELP)
    verb.add_flags(parser)
    args = parser.read(rest)
    if args is None:
        print(parser.format_help(), end="")
        return 0
    return verb.run(args)


def _split_verb(argv: list[str], menu: Menu) -> tuple[str, list[str]]:
    """The verb and what is left. gflags lets flags stand before it."""
    place = 0
    if argv[0].startswith("-"):
        place = next((place for place, word in enumerate(argv) if word in menu.names), -1)
        if place < 0:
            listed = ", ".join(menu.names)
            help = f"the {menu.noun}s are {listed}; `{menu.prog} --help` explains"
            raise UsageError.at(f"no {menu.noun}", help=help)
    typed = argv[place]
    name = typed.replace("_", "-") if typed not in menu.names else typed
    if name not in menu.names:
        help = flags.did_you_mean(typed, menu.names, f"`{menu.prog} --help`")
        raise UsageError.at(f"unknown {menu.noun} '{typed}'", help=help)
    return name, argv[:place] + argv[place + 1 :]


def _overview(menu: Menu) -> str:
    width = max(map(len, menu.names))
    verbs = "\n".join(f"  {name:<{width}}  {menu.load(name).HELP}" for name in menu.names)
    return (
        f"usage: {menu.prog} {menu.noun.upper()} [flags]\n\n{verbs}\n\n"
        "Flags as Caffe has them: -solver x, -solver=x, --solver x and --solver=x are the same.\n"
        f"`{menu.prog} {menu.noun.upper()} --help` lists a {menu.noun}'s flags, "
        "`netspec --version` names the version."
    )


def _version() -> str:
    import netspec

    return netspec.__version__
