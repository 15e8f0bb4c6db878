"""Says which nets of a folder do not compile, and why.

    python tools/check_models.py FOLDER [--phase TRAIN|TEST]

Every prototxt below the folder is read. Nets are built for their shapes alone, on the meta device: no
weights, no memory. Solvers and label maps are told by their fields, and only parsed. Where the shape of a
data layer's tops lies in files that are not there, nothing can be said about the net: it needs data. Exit
status 1 if any failed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from netspec.errors import DataError, NetspecError
from netspec.graph.build import build_graph, load_net, net_state
from netspec.layers.base import DataLayer
from netspec.layers.registry import find_layer
from netspec.passes.inputs import inputs_to_layer
from netspec.passes.rewrite import layers_of
from netspec.passes.state_filter import filter_state
from netspec.schema.document import Document, load_document
from netspec.schema.messages import LabelMap, NetParameter, SolverParameter
from netspec.text.diagnostic import Diagnostic, in_text_order
from netspec.text.parser import parse, read_source
from netspec.text.source import Source, Span

KINDS = (NetParameter, SolverParameter, LabelMap)
FILES = ("source", "mean_file")  # fields that name what a data layer reads


class Outcome(NamedTuple):
    """What became of a file: "ok", "needs data" or "failed"; the count of errors, and the first of them."""

    verdict: str
    errors: int = 0
    first: str = ""


def kind(source: Source) -> type:
    """The message that most of the text's top-level fields belong to."""
    names = {field.name.text for field in parse(source)[0].fields}
    return max(KINDS, key=lambda message_class: len(names & set(message_class.DESCRIPTOR.fields_by_name)))


def is_fed(document: Document[NetParameter], phase: str) -> bool:
    """Whether any blobs come into the net: one written for a single phase may be empty in the other."""
    seen = filter_state(inputs_to_layer(document), net_state(document, phase))
    return any(not spec.bottom for spec in seen.message.layer)


def files_of(document: Document[NetParameter]) -> Iterator[Span]:
    """The places in the text where data layers name their files."""
    for spec, spans in layers_of(document):
        cls = find_layer(spec.type)
        if cls is not None and issubclass(cls, DataLayer):
            for block, _ in spec.ListFields():
                places = spans.sub(block.name).fields if block.message_type else {}
                yield from (place for name in FILES for place in places.get(name, []))


def build(document: Document[NetParameter], phase: str) -> tuple[set[Diagnostic], set[Diagnostic]]:
    """What is wrong with a net in a phase: what data would cure, and the rest."""
    try:
        graph = build_graph(document, net_state(document, phase))
    except DataError as error:
        return set(error.diagnostics), set()
    except NetspecError as error:
        files = set(files_of(document))
        wants = {found for found in error.diagnostics if found.span in files}
        return wants, {*error.diagnostics} - wants
    return set(), set() if graph.nodes else set(graph.warnings)


def check_net(document: Document[NetParameter], phases: Sequence[str]) -> Outcome:
    """Builds a net in those of the phases in which it is fed; in all of them if it never is."""
    results = [build(document, phase) for phase in phases if is_fed(document, phase)]
    results = results or [build(document, phase) for phase in phases]
    wants, errors = (set().union(*found) for found in zip(*results, strict=True))
    if errors:
        return failure(errors)
    return failure(wants)._replace(verdict="needs data") if wants else Outcome("ok")


def failure(errors: Iterable[Diagnostic]) -> Outcome:
    """Of errors the first, with its line, and how many there are."""
    first, *others = in_text_order(errors)
    place = f"line {first.span.line}: " if first.span else f"{first.file}: " if first.file else ""
    return Outcome("failed", 1 + len(others), place + first.message)


def check(path: Path, phases: Sequence[str]) -> Outcome:
    """Reads a prototxt of any kind, and builds it where it is a net."""
    try:
        source = read_source(path)
        message_class = kind(source)
        if message_class is NetParameter:
            return check_net(load_net(source), phases)
        load_document(source, message_class)
    except NetspecError as error:
        return failure(error.diagnostics)
    except Exception as error:  # ours to mend, but no reason to keep quiet about the other files
        return Outcome("failed", 1, f"bug: {type(error).__name__}: {error}")
    return Outcome("ok")


def table(outcomes: dict[str, Outcome]) -> Iterator[str]:
    """The files that are not in order, in Markdown, and how many there are of each verdict."""
    odd = {name: outcome for name, outcome in outcomes.items() if outcome.verdict != "ok"}
    if odd:
        yield from ("| file | verdict | errors | the first |", "|---|---|---|---|")
    for name, (verdict, errors, first) in odd.items():
        message = first.partition("\n")[0].replace("|", "\\|")
        yield f"| {name} | {verdict} | {errors} | {message} |"
    if odd:
        yield ""
    counts = Counter(outcome.verdict for outcome in outcomes.values())
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("ok", "needs data", "failed"))
    yield f"{len(outcomes)} files: {verdicts}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--phase", choices=("TRAIN", "TEST"), help="build nets in this phase alone")
    args = parser.parse_args()
    phases = [args.phase] if args.phase else ["TRAIN", "TEST"]
    paths = sorted(args.folder.rglob("*.prototxt"))
    outcomes = {path.relative_to(args.folder).as_posix(): check(path, phases) for path in paths}
    print("\n".join(table(outcomes)))
    return int(any(outcome.verdict == "failed" for outcome in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
