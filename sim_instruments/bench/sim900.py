"""Simulated SIM900 mainframe: the host is connected with a module, or sends and fetches by port.

SIM900 Mainframe Operation and Service Manual, chapter "Remote Operation": CONN, SNDT, GETN?, NINP?,
NOUT?, FLSH, FLSO, SRST, CTCR?. Mainframe and modules speak at 9600 baud, as after power-on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sim_instruments.bench.plug import BenchInstrument, Plug
from sim_instruments.bench.sim928 import Sim928
from sim_instruments.bench.srs_box import Arguments, Complaint, NotTaken, SrsBox, whole

_BYTE_SECONDS = 10 / 9600
_PORTS = 8
_LARGEST_FETCH = 128


class Sim900(SrsBox):
    """A mainframe.

    Args:
        plug: channels are the slots with a module.
        slots: "1" to "8", each of which gets a SIM928.

    Attributes:
        modules: by slot.
    """

    def __init__(self, plug: Plug, slots: tuple[str, ...]) -> None:
        super().__init__("Stanford_Research_Systems,SIM900,s/n152741,ver3.6")
        self._plug = plug
        self.modules = {slot: Sim928(plug, slot) for slot in slots}
        self._answers = {str(port): b"" for port in range(1, _PORTS + 1)}
        self._on_the_way = dict.fromkeys(self._answers, 0)
        self._line_free = dict.fromkeys(self._answers, 0.0)
        self._connected = ""
        self._escape = ""
        self.on("CONN", self._connect, 2)
        self.on("SNDT", self._send, 2)
        self.on("GETN?", self._get, 2)
        self.on("NINP?", lambda words: str(len(self._answers[_port(words[0])])), 1)
        self.on("NOUT?", lambda words: str(self._on_the_way[_port(words[0])]), 1)
        self.on("CTCR?", lambda _: str(sum(1 << int(slot) for slot in self.modules)))
        self.on("FLSH", self._flush, 0, 1)
        self.on("FLSO", self._flush, 0, 1)
        self.on("FLOQ", lambda _: None)
        self.on("SRST", self._flush, 0, 1)
        self.on("*DCL", lambda _: None)

    def respond(self, message: bytes) -> bytes:
        """One program message; while the host is connected with a module, it is the module's."""
        if not self._connected:
            return super().respond(message)
        if self._escape.encode("latin-1") in message:
            self._connected = ""
            return super().respond(message.partition(self._escape.encode("latin-1"))[2])
        module = self.modules.get(self._connected)
        self._plug.spend(len(message) * _BYTE_SECONDS)
        reply = b"" if module is None else module.respond(message)
        self._plug.spend(len(reply) * _BYTE_SECONDS)
        return reply

    def _connect(self, words: Arguments) -> None:
        self._connected, self._escape = _port(words[0]), _string(words[1])

    def _send(self, words: Arguments) -> None:
        port, text = _port(words[0]), _string(words[1]) + "\n"
        module = self.modules.get(port)
        if module is None:
            return
        self._on_the_way[port] += len(text)
        now = self._plug.now()
        # What was sent before goes first.
        self._line_free[port] = max(now, self._line_free[port]) + len(text) * _BYTE_SECONDS
        deliver = partial(self._deliver, port, module.respond, text)
        self._plug.later(self._line_free[port] - now, deliver)

    def _deliver(self, port: str, respond: Callable[[bytes], bytes], text: str) -> None:
        self._on_the_way[port] = max(0, self._on_the_way[port] - len(text))
        reply = respond(text.encode("latin-1"))

        def arrive() -> None:
            self._answers[port] += reply

        self._plug.later(len(reply) * _BYTE_SECONDS, arrive)

    def _get(self, words: Arguments) -> bytes:
        port, most = _port(words[0]), whole(words[1], 1, _LARGEST_FETCH)
        taken, self._answers[port] = self._answers[port][:most], self._answers[port][most:]
        return b"#3%03d%b" % (len(taken), taken)

    def _flush(self, words: Arguments) -> None:
        for port in [_port(words[0])] if words else list(self._answers):
            self._answers[port] = b""


def _port(text: str) -> str:
    return str(whole(text, 1, _PORTS))


def _string(text: str) -> str:
    if len(text) < 2 or text[0] not in "\"'" or text[-1] != text[0]:
        raise NotTaken(Complaint.UNKNOWN_TOKEN)
    return text[1:-1]


def _build(name: str, settings: Any, plug: Plug) -> Sim900:  # noqa: ARG001
    return Sim900(plug, settings.slots)


INSTRUMENT = BenchInstrument(build=_build)
