"""One chip behind two devices: what was set up through one is never trusted after the other."""

from __future__ import annotations

from sim_instruments.message_exchange import PolledCore
from sim_instruments.turns import LineInTurn, ScpiInTurn, Turns


class Board:
    """A device on a line that counts how often it was switched on."""

    def __init__(self):
        self.starts = 0

    def power_on(self):
        self.starts += 1

    def receive(self, data):
        return data.upper()


def test_device_powers_on_when_the_chip_was_used_by_the_other(lab):
    turns, board = Turns(), Board()
    core = ScpiInTurn(lab.core(), turns)
    line = LineInTurn(board, turns)
    assert isinstance(core, PolledCore)
    first = core.respond(b"CHIP:EPOC?\n")
    assert core.respond(b"*ESE 4;:CHIP:EPOC?;*ESR?\n") == first[:-1] + b";128\n"
    assert (line.receive(b"a"), line.receive(b"b"), board.starts) == (b"A", b"B", 1)
    answer = core.respond(b"CHIP:EPOC?;*ESE?\n")
    assert answer.endswith(b";0\n")
    assert not answer.startswith(first[:-1])
    assert core.respond(b"CHIP:EPOC?;*ESE?\n") == answer
    line.receive(b"c")
    assert board.starts == 2
    core.report(-410)
    core.overrun("too long")
    assert core.status_byte(message_available=True) == 20
