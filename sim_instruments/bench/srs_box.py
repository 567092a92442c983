"""What Stanford Research's SIM mainframe and modules share: commands, and how they complain.

SIM928 Operation and Service Manual: 2.4.1 command syntax, 2.4.7 status commands, 2.4.8 interface
commands (TERM, TOKN, LEXE?, LCME?), 2.5 status model. There is no queue: the last error of each
kind is kept until it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import ClassVar

from mgd_lab.errors import LinkError
from mgd_lab.wire import Status
from sim_instruments.bench.program_message import Unit, units

Arguments = tuple[str, ...]
Act = Callable[[Arguments], str | bytes | None]

_QUERY_ERROR, _EXECUTION_ERROR, _COMMAND_ERROR, _POWER_ON = 1 << 2, 1 << 4, 1 << 5, 1 << 7
_TERMINATIONS = {"NONE": b"", "CR": b"\r", "LF": b"\n", "CRLF": b"\r\n", "LFCR": b"\n\r"}


class Complaint(IntEnum):
    """Codes of `LCME?` (SIM928 manual, 2.4.8)."""

    ILLEGAL_COMMAND = 1
    UNDEFINED_COMMAND = 2
    ILLEGAL_QUERY = 3
    ILLEGAL_SET = 4
    MISSING_PARAMETERS = 5
    EXTRA_PARAMETERS = 6
    BAD_FLOATING_POINT = 9
    BAD_INTEGER = 10
    UNKNOWN_TOKEN = 14


class NotTaken(Exception):  # noqa: N818 (what an instrument says to a command; no fault of ours)
    """A command error."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint)
        self.complaint = complaint


class IllegalValue(Exception):  # noqa: N818 (likewise)
    """Execution error 1 (`LEXE?`): a parameter is out of its range."""


class SrsBox:
    """A mainframe or module.

    Args:
        identity: the answer to `*IDN?`.
    """

    illegal_value: ClassVar[int] = 1

    def __init__(self, identity: str) -> None:
        self._acts: dict[str, tuple[Act, int, int]] = {}
        self._last = {"LEXE": 0, "LCME": 0}
        self._events = _POWER_ON
        self._token_mode = False
        self._termination = b"\r\n"
        self.on("*IDN?", lambda _: identity)
        self.on("*RST", lambda _: self.reset())
        self.on("*CLS", lambda _: self.clear())
        self.on("*OPC?", lambda _: "1")
        self.on("*ESR?", lambda _: self._take_events())
        self.on("CESR?", lambda _: "0")
        for error in self._last:
            self.on(f"{error}?", lambda _, error=error: self._take(error))
        self.on("TOKN", self._set_token_mode, 1)
        self.on("TOKN?", lambda _: self.token(self._token_mode))
        self.on("TERM", self._set_termination, 1)

    def on(self, header: str, act: Act, least: int = 0, most: int | None = None) -> None:
        """Has a header carried out by `act`, with that many arguments."""
        self._acts[header] = act, least, least if most is None else most

    def reset(self) -> None:
        """`*RST`."""

    def clear(self) -> None:
        """`*CLS`."""
        self._events = 0
        self._last = dict.fromkeys(self._last, 0)

    def token(self, value: bool) -> str:
        """OFF and ON, or 0 and 1, as TOKN says."""
        if self._token_mode:
            return "ON" if value else "OFF"
        return "1" if value else "0"

    def respond(self, message: bytes) -> bytes:
        """One program message → its answers, each with its own termination."""
        try:
            parts = units(message)
        except LinkError:
            self.refuse(Complaint.ILLEGAL_COMMAND)
            return b""
        reply = b""
        for part in parts:
            try:
                answer = self._carry_out(part)
            except NotTaken as refused:
                self.refuse(refused.complaint)
            except IllegalValue:
                self._last["LEXE"] = self.illegal_value
                self._events |= _EXECUTION_ERROR
            else:
                if answer is not None:
                    text = answer if isinstance(answer, bytes) else answer.encode("ascii")
                    reply += text + self._termination
        return reply

    def refuse(self, complaint: Complaint) -> None:
        """A command error is kept."""
        self._last["LCME"] = int(complaint)
        self._events |= _COMMAND_ERROR

    def overrun(self, reason: str) -> None:  # noqa: ARG002 (instruments do not tell)
        """Input was dropped."""
        self.refuse(Complaint.ILLEGAL_COMMAND)

    def report(self, status: Status, reason: str = "") -> None:  # noqa: ARG002
        """A query error that the way to the instrument has found."""
        self._events |= _QUERY_ERROR

    def status_byte(self, *, message_available: bool) -> int:
        """Bit 4 is the message available (IEEE 488.2, 11.2)."""
        return (1 << 4) * message_available

    def _carry_out(self, part: Unit) -> str | bytes | None:
        header = part.header.removeprefix(":")
        found = self._acts.get(header)
        if found is None:
            raise NotTaken(self._why_unknown(header))
        act, least, most = found
        arguments = tuple(
            each if isinstance(each, str) else each.decode("latin-1") for each in part.arguments
        )
        if len(arguments) < least:
            raise NotTaken(Complaint.MISSING_PARAMETERS)
        if len(arguments) > most:
            raise NotTaken(Complaint.EXTRA_PARAMETERS)
        return act(arguments)

    def _why_unknown(self, header: str) -> Complaint:
        if header.endswith("?"):
            known = header.removesuffix("?") in self._acts
            return Complaint.ILLEGAL_QUERY if known else Complaint.UNDEFINED_COMMAND
        known = f"{header}?" in self._acts
        return Complaint.ILLEGAL_SET if known else Complaint.UNDEFINED_COMMAND

    def _take(self, error: str) -> str:
        code, self._last[error] = self._last[error], 0
        return str(code)

    def _take_events(self) -> str:
        events, self._events = self._events, 0
        return str(events)

    def _set_token_mode(self, arguments: Arguments) -> None:
        self._token_mode = chosen(arguments[0], ("OFF", "ON")) == "ON"

    def _set_termination(self, arguments: Arguments) -> None:
        self._termination = _TERMINATIONS[chosen(arguments[0], tuple(_TERMINATIONS))]


def chosen(text: str, tokens: Sequence[str]) -> str:
    """A token by its word, or by its number."""
    if text.upper() in tokens:
        return text.upper()
    if text.isdigit():
        if int(text) < len(tokens):
            return tokens[int(text)]
        raise IllegalValue
    raise NotTaken(Complaint.UNKNOWN_TOKEN)


def real(text: str, low: float, high: float) -> float:
    """A number within a range."""
    try:
        value = float(text)
    except ValueError:
        raise NotTaken(Complaint.BAD_FLOATING_POINT) from None
    if not low <= value <= high:
        raise IllegalValue
    return value


def whole(text: str, low: int, high: int) -> int:
    """A whole number within a range."""
    if not text.strip().lstrip("+-").isdigit():
        raise NotTaken(Complaint.BAD_INTEGER)
    value = int(text)
    if not low <= value <= high:
        raise IllegalValue
    return value
