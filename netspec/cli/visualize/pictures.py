"""What the tools share: a net with its weights, and files for pictures."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli import flags, model
from netspec.errors import NetspecError, UsageError
from netspec.text.suggest import nearest, one_of

if TYPE_CHECKING:
    from netspec.compiler.net import Net

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


def add_flags(parser: ArgumentParser, counted: str) -> None:
    """-model, -weights and what else tells which net to look into; ``counted`` is what -iterations counts."""
    model.add_flags(parser, phase="TEST", counted=counted)
    parser.add_argument("--weights", metavar="A,B", default="", help="the weight files")
    flags.add_ignore_mismatched(parser)


def compiled(args: Namespace) -> Net:
    """The net that the flags name, before its weights are loaded: what it is drawn for can be checked first.

    Raises:
        NetspecError: the net is wrong.
        UsageError: this machine has no such GPU.
    """
    net = model.compiled(args)
    net.reseed(0)  # the same command draws the same picture
    return net


def load_all(net: Net, args: Namespace) -> None:
    """Loads the weight files that the flags name.

    Raises:
        WeightsError: one is missing, broken, or of another net.
    """
    for weights in flags.split(args.weights):
        load_weights(net, weights, args.ignore_mismatched)


def load_weights(net: Net, weights: str, ignore_mismatched: bool) -> None:
    """Loads a weight file, and warns of the layers that it does not know."""
    model.warn_of_unloaded(net.load_weights(weights, ignore_mismatched=ignore_mismatched), weights)


def require_data(net: Net, way_out: str) -> None:
    """Makes sure that the net draws all of its inputs itself.

    Raises:
        UsageError: it does not; ``way_out`` says what to do about it.
    """
    if net.inputs:
        listed = ", ".join(f"'{name}'" for name in net.inputs)
        raise UsageError.at(f"net '{net.graph.name}' takes {listed} from outside", help=way_out)


def require_suffix(file: Path, known: Sequence[str]) -> None:
    """Makes sure, before the work begins, that a file can be written.

    Raises:
        UsageError: its name ends in something else.
        DataError: there is no folder for it.
    """
    from netspec.data.whole_folders import check_folder

    if file.suffix.lower() not in known:
        raise UsageError.at(f"-o {file}: expected a name that ends in {one_of(known)}")
    check_folder(file)


def no_layer(net: str, name: str, known: Sequence[str], what: str) -> UsageError:
    """That there is no such layer, and which there are."""
    guess = nearest(name, known)
    listed = ", ".join(known) if len(known) <= 12 else f"{', '.join(known[:12])} and {len(known) - 12} more"
    hint = f"did you mean '{guess}'? " if guess else ""
    help = f"{hint}{what}: {listed}" if known else f"it has no {what}"
    return UsageError.at(f"-layer: {net} has no such layer '{name}'", help=help)


def not_written(file: Path, error: OSError) -> NetspecError:
    """That a picture could not be written, and why."""
    return NetspecError.at(f"the picture cannot be written: {error.strerror}", file=str(file))
