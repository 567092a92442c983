"""A number that changes with the source of compiled code.

Numba keeps machine code for as long as the one file stays as it was that holds the compiled
function; of the files from which that takes its parts it knows nothing.
"""

from __future__ import annotations

import zlib
from pathlib import Path


def stamp_of(*names: str) -> int:
    """Of the modules `compiled_<name>` beside this one, 0 or more."""
    folder = Path(__file__).parent
    stamp = 0
    for name in names:
        stamp = zlib.crc32((folder / f"compiled_{name}.py").read_bytes(), stamp)
    return stamp
