"""``python -m netspec.pycaffe SCRIPT ARGS...`` runs a script that was written for pycaffe, as it is."""

from __future__ import annotations

import sys
from argparse import REMAINDER, ArgumentParser
from collections.abc import Sequence
from io import open_code
from pathlib import Path
from types import ModuleType, TracebackType

from netspec.pycaffe.install import install

_INTERRUPTED = 130  # what shells call a program that Ctrl-C ended
_ALIAS = str(Path(__file__).parent / "alias")  # for the processes that a script starts


def main(args: Sequence[str]) -> None:
    """Runs a script as Python would, with ``import caffe`` finding netspec's.

    Raises:
        SystemExit: the script's own; 1 after another exception, whose traceback starts in the script; 2 where
            there is no such script.
    """
    parser = ArgumentParser(
        "python -m netspec.pycaffe", description="Runs a script written for pycaffe, as it is."
    )
    parser.add_argument("script", metavar="SCRIPT")
    parser.add_argument("args", metavar="ARGS", nargs=REMAINDER, help="the script's own")
    given = parser.parse_args(args).script
    script = Path(given).absolute()  # as Python has it in __file__ and in tracebacks
    try:
        with open_code(str(script)) as file:
            source = file.read()
    except OSError as error:
        parser.error(f"cannot open '{given}': {error.strerror}")
    install()
    sys.argv[:] = args
    # Where Python puts the folder that a program is started from.
    sys.path[0] = str(script.resolve().parent)
    sys.path.insert(1, _ALIAS)
    module = ModuleType("__main__")
    vars(module).update(__file__=str(script), __cached__=None)
    sys.modules["__main__"] = module
    _run(source, str(script), module)


def _run(source: bytes, name: str, module: ModuleType) -> None:
    try:
        exec(compile(source, name, "exec", dont_inherit=True), vars(module))
    except SystemExit:
        raise
    except BaseException as error:
        # Python would add our own frames in front, were it to leave the program by itself.
        traceback = _from(name, error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(traceback), traceback)
        raise SystemExit(_INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1) from None


def _from(name: str, traceback: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames above the first in a file."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename != name:
        traceback = traceback.tb_next
    return traceback


if __name__ == "__main__":
    main(sys.argv[1:])
