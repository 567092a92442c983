"""The part of a simulated instrument that SCPI instruments share: from bytes to its commands.

A subclass says what the instrument is called and adds its headers, each with what is done then:

    class Meter(ScpiBox):
        def __init__(self, plug):
            super().__init__("Maker,Model,serial,1.0")
            self._plug = plug
            self.on("[SENSe:]VOLTage[:DC]:NPLC", self._set_nplc)
            self.on("READ?", lambda call: f"{plug.sense('1'):+.8E}")

Whatever has no header answers nothing and leaves −113 in the error queue, as the instrument does.
"""

from __future__ import annotations

from typing import ClassVar

from mgd_lab.errors import LinkError
from mgd_lab.wire import Status
from sim_instruments.bench.error_queue import ErrorQueue, Refused, event_of
from sim_instruments.bench.program_message import Unit, units
from sim_instruments.bench.scpi_call import Call
from sim_instruments.bench.scpi_headers import Act, Answer, Entry, HeaderTable

_POWER_ON = 1 << 7
_OPERATION_COMPLETE = 1
_SUMMARIES = {"errors": 1 << 2, "message": 1 << 4, "event": 1 << 5, "master": 1 << 6}


class ScpiBox:
    """A device core of an instrument that speaks SCPI.

    Args:
        identity: the answer to `*IDN?`.
    """

    queue_capacity: ClassVar[int] = 20
    own_texts: ClassVar[dict[int, str]] = {}
    version: ClassVar[str] = "1999.0"

    def __init__(self, identity: str) -> None:
        self.errors = ErrorQueue(self.queue_capacity, self.error_entry, self.own_texts)
        self._headers = HeaderTable()
        self._events = _POWER_ON
        self._enables = {"*ESE": 0, "*SRE": 0}
        self.on("*IDN?", lambda _: identity)
        self.on("*RST", lambda _: self.reset())
        self.on("*CLS", lambda _: self._clear())
        self.on("*TST?", lambda _: "0")
        self.on("*OPC?", lambda _: "1" if self.complete() else None)
        self.on("*OPC", lambda _: self._note_completion())
        self.on("*WAI", lambda _: self._finish())
        self.on("*ESR?", lambda _: self._take_events())
        self.on("*STB?", lambda _: str(self.status_byte(message_available=False)))
        for register in self._enables:
            self.on(register, lambda call: self._enable(call), most=1)
            self.on(f"{register}?", lambda call: str(self._enables[call.header[:-1]]))
        self.on("SYSTem:ERRor[:NEXT]?", lambda _: self.errors.next())
        self.on("SYSTem:VERSion?", lambda _: self.version)

    def on(self, header: str, act: Act, most: int | None = None) -> None:
        """Has a header carried out by `act`.

        Args:
            header: as the manual writes it, `[]` around optional nodes, `<n>` behind numbered
                ones, `?` at the end of a query.
            act: gets the call; gives the answer of a query, or None. Raises Refused.
            most: arguments that it takes, −108 beyond; where None, 1 of a command and 0 of a
                query or a common command.
        """
        if most is None:
            most = 0 if header.endswith("?") or header.startswith("*") else 1
        self._headers.add(header, Entry(act, most))

    def reset(self) -> None:
        """`*RST`: what the instrument's manual calls its factory reset."""

    def complete(self) -> bool:
        """Waits for what goes on (`*OPC?`, `*WAI`); whether it has ended."""
        return True

    def error_entry(self, code: int, text: str) -> str:
        """How this instrument spells an entry of its queue."""
        return f'{code},"{text}"'

    def respond(self, message: bytes) -> bytes:
        """One program message → its response message, line feed included; b"" where none."""
        try:
            parts = units(message)
        except LinkError:
            self.refuse(Refused(-102))
            return b""
        answers: list[bytes] = []
        for part in parts:
            try:
                answer = self._carry_out(part)
            except Refused as refused:
                self.refuse(refused)
                # A command error ends the message; after others the instrument goes on.
                if -200 < refused.code <= -100:
                    break
                continue
            if answer is not None:
                answers.append(answer if isinstance(answer, bytes) else answer.encode("ascii"))
        return b";".join(answers) + b"\n" if answers else b""

    def refuse(self, refused: Refused) -> None:
        """An error enters the queue and the event register."""
        self.errors.put(refused.code, refused.text)
        self._events |= event_of(refused.code)

    def overrun(self, reason: str) -> None:  # noqa: ARG002 (instruments do not tell)
        """Input was dropped."""
        self.refuse(Refused(-363))

    def report(self, status: Status, reason: str = "") -> None:  # noqa: ARG002
        """An error that the way to the instrument has found, such as an interrupted query."""
        self.refuse(Refused(int(status)))

    def status_byte(self, *, message_available: bool) -> int:
        """The status byte, its bit 6 the master summary (IEEE 488.2, 11.2)."""
        byte = _SUMMARIES["errors"] if self.errors else 0
        if message_available:
            byte |= _SUMMARIES["message"]
        if self._events & self._enables["*ESE"]:
            byte |= _SUMMARIES["event"]
        return byte | (_SUMMARIES["master"] if byte & self._enables["*SRE"] else 0)

    def _carry_out(self, part: Unit) -> Answer:
        found = self._headers.find(part.header)
        if found is None:
            raise Refused(-113)
        entry, suffixes = found
        if len(part.arguments) > entry.most:
            raise Refused(-108)
        return entry.act(Call(part.header, suffixes, part.arguments))

    def _finish(self) -> None:
        self.complete()

    def _clear(self) -> None:
        self.errors.clear()
        self._events = 0

    def _note_completion(self) -> None:
        if self.complete():
            self._events |= _OPERATION_COMPLETE

    def _take_events(self) -> str:
        events, self._events = self._events, 0
        return str(events)

    def _enable(self, call: Call) -> None:
        self._enables[call.header] = call.whole(0, 0, 255)
