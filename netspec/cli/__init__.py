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
from typing import Protocol, cast

from netspec.cli import flags
from netspec.errors import NetspecError, UsageError

VERBS = ("train", "test", "time", "check", "summary", "layers")

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
        status = _dispatch(list(sys.argv[1:] if argv is None else argv))
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


def _dispatch(argv: list[str]) -> int:
    if not argv or argv[0] in flags.HELP_FLAGS or argv[0] == "help":
        print(_overview())
        return 0
    if flags.spelled(argv[0]) == "--version":
        print(f"netspec {_version()}")
        return 0
    name, rest = _split_verb(argv)
    verb = _load(name)
    parser = flags.Parser(prog=f"netspec {name}", description=verb.HELP)
    verb.add_flags(parser)
    args = parser.read(rest)
    if args is None:
        print(parser.format_help(), end="")
        return 0
    return verb.run(args)


def _split_verb(argv: list[str]) -> tuple[str, list[str]]:
    """The verb and what is left. gflags lets flags stand before it."""
    verb = argv[0]
    if verb.startswith("-"):
        verb = next((word for word in argv if word in VERBS), "")
        if not verb:
            raise UsageError.at(
                "no verb", help=f"the verbs are {', '.join(VERBS)}; `netspec --help` explains"
            )
    rest = list(argv)
    rest.remove(verb)
    if verb not in VERBS:
        raise UsageError.at(
            f"unknown verb '{verb}'", help=flags.did_you_mean(verb, VERBS, "`netspec --help`")
        )
    return verb, rest


def _load(verb: str) -> Verb:
    return cast(Verb, importlib.import_module(f"netspec.cli.{verb}"))


def _overview() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {_load(name).HELP}" for name in VERBS)
    return (
        f"usage: netspec VERB [flags]\n\n{verbs}\n\n"
        "Flags as Caffe has them: -solver x, -solver=x, --solver x and --solver=x are the same.\n"
        "`netspec VERB --help` lists a verb's flags, `netspec --version` names the version."
    )


def _version() -> str:
    import netspec

    return netspec.__version__
