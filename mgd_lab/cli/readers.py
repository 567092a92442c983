"""Output that perhaps nobody reads any more: a closed pipe, a terminal that hung up."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def perhaps_unread() -> Generator[None]:
    """What a run came to, and its exit code, do not depend on who reads what is printed inside."""
    try:
        yield
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        if not isinstance(error, BrokenPipeError):
            # A terminal that hung up takes both.
            os.dup2(nowhere, 2)
        os.close(nowhere)
