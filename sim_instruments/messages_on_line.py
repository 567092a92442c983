"""An instrument of text messages on a serial line: bytes come as they come."""

from __future__ import annotations

from sim_instruments.message_exchange import CarriedExchange, DeviceCore


class MessagesOnLine:
    """A `LineDevice` before a core that takes whole program messages.

    Args:
        core: the instrument; it keeps its settings whoever opens or closes the line.
    """

    def __init__(self, core: DeviceCore) -> None:
        self._exchange = CarriedExchange(core)

    def power_on(self) -> None:
        """What was on its way is gone."""
        self._exchange.clear()

    def receive(self, data: bytes) -> bytes:
        """Bytes of the line, in pieces of any size → the responses to messages that they end."""
        self._exchange.write(data)
        return self._exchange.read(len(self._exchange.peek()))
