"""Files from the network, checked against their digest."""

from __future__ import annotations

import http.client
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.request import urlopen

from netspec.errors import DataError

_SECONDS = 30  # without a byte, after which a mirror is given up


def download(path: Path, urls: Sequence[str], check: Callable[[Path], None]) -> None:
    """Fetches a file from the first address that has it; a file that is there already is left as it is.

    Args:
        path: where the file goes. It has this name only once it is whole.
        urls: the same file at several places.
        check: raises a DataError where what was fetched is not what was asked for.

    Raises:
        DataError: no address has the file; what went wrong with each is told.
    """
    if path.is_file():
        return
    partial = path.with_name(f"{path.name}.part")
    reasons = []
    for url in urls:
        try:
            with urlopen(url, timeout=_SECONDS) as answer, partial.open("wb") as file:
                shutil.copyfileobj(answer, file)
            check(partial)
            partial.replace(path)
            return
        except (OSError, http.client.HTTPException) as error:
            reasons.append(f"{url}: {getattr(error, 'reason', None) or error}")
        except DataError as error:
            reasons.append(f"{url}: {error.diagnostics[0].message}")
        finally:
            partial.unlink(missing_ok=True)
    tried = "; ".join(reasons)
    help = "fetch it elsewhere, and put it there yourself"
    raise DataError.at(f"cannot be downloaded ({tried})", file=str(path), help=help)
