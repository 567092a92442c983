"""What can be learnt from an error of pyvisa-py: why no session was opened, what was left open.

Where the opening of a HiSLIP session fails its object is lost, with a connection that the device
has taken for a client. Only the error still leads to it: by the frames that it passed through.
"""

from __future__ import annotations

import socket
from traceback import walk_tb
from typing import Any

_NAMES = ("_sync", "_async")


def close_forgotten(error: BaseException) -> None:
    """Closes the sockets of every HiSLIP session that was being made when the error came."""
    for each in _chain(error):
        for frame, _ in walk_tb(each.__traceback__):
            made: Any = frame.f_locals.get("self")
            for name in _NAMES:
                found = getattr(made, name, None)
                if isinstance(found, socket.socket):
                    found.close()


def root(error: BaseException) -> BaseException:
    """What an error was raised from, or while it was handled."""
    return _chain(error)[-1]


def _chain(error: BaseException) -> list[BaseException]:
    found = [error]
    while (earlier := found[-1].__cause__ or found[-1].__context__) is not None:
        found.append(earlier)
    return found
