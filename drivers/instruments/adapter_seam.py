"""The seam to a library of others: one exchange at a time, and its exceptions become ours.

A library may fail in any way, and between a question and its answer. After a failure the answer may
still come and be taken for that of the next question, so that nothing more is asked until the
instrument is opened anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import pyvisa
from pyvisa import constants

from mgd_lab.errors import InstrumentError, LinkError, LinkTimeoutError, MgdLabError

T = TypeVar("T")


class Seam:
    """What is done through a library, in turn.

    Args:
        place: what messages call the instrument.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._turn = threading.Lock()
        self._in_step = False

    def open(self, connect: Callable[[], None]) -> None:
        """From now on exchanges are possible, where `connect` succeeds."""
        with self._turn:
            self._in_step = True
            self._carry_out("opening it", connect, None)

    def close(self, disconnect: Callable[[], None]) -> None:
        """None from now on."""
        with self._turn:
            self._in_step = True
            try:
                self._carry_out("closing it", disconnect, None)
            finally:
                self._in_step = False

    def exchange(
        self, what: str, act: Callable[[], T], refused: type[MgdLabError] | None = None
    ) -> T:
        """What `act` gives.

        Args:
            what: is done, in words.
            act: uses the library.
            refused: what a ValueError is, with which both libraries refuse a value that they have
                not sent.

        Raises:
            LinkError: the way to the instrument failed, or has failed before.
            InstrumentError: anything else.
        """
        with self._turn:
            return self._carry_out(what, act, refused)

    def _carry_out(self, what: str, act: Callable[[], T], refused: type[MgdLabError] | None) -> T:
        if not self._in_step:
            raise LinkError(
                f"{self.place}: it is not open, or a fault came in the middle of an exchange, so "
                "that a late answer could be taken for that of a later question. Open it anew"
            )
        # Until it is over, whatever happens leaves the link out of step.
        self._in_step = False
        try:
            result = act()
        except MgdLabError:
            raise
        except Exception as error:
            if refused is not None and _is_refusal(error):
                self._in_step = True
                raise refused(f"{self.place}: {what} was refused: {error}") from error
            raise translated(error, f"{self.place}: {what}") from error
        self._in_step = True
        return result


def translated(error: Exception, what: str) -> InstrumentError | LinkError:
    """An exception of a library, or of what it is built on, as one of ours."""
    text = f"{what} failed: {type(error).__name__}: {error}"
    for cause in _causes(error):
        code = getattr(cause, "error_code", None)
        if isinstance(cause, TimeoutError) or code == constants.StatusCode.error_timeout:
            return LinkTimeoutError(f"{text}. Check cable and power, and timeout_seconds")
        if isinstance(cause, pyvisa.Error | OSError):
            return LinkError(f"{text}. Check the key resource, cable and power")
    return InstrumentError(text)


def _is_refusal(error: Exception) -> bool:
    # An answer that is no text is no refusal, although its error is a ValueError too.
    return isinstance(error, ValueError) and not isinstance(error, UnicodeError)


def _causes(error: BaseException) -> list[BaseException]:
    found = [error]
    while (earlier := found[-1].__cause__ or found[-1].__context__) is not None:
        found.append(earlier)
    return found
