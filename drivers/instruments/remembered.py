"""Settings of an instrument that change often: only what is not so already is sent."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.instruments.conversation import Conversation


class Remembered:
    """Headers with the value that each was sent last.

    Args:
        talk: the conversation with the instrument.
        join: how a header and its value make a command.
    """

    def __init__(self, talk: Conversation, join: str = "{} {}") -> None:
        self._talk = talk
        self._join = join
        self._values: dict[str, str] = {}

    def forget(self) -> None:
        """Nobody knows how the instrument stands: everything is sent again."""
        self._values.clear()

    def set(self, wanted: Mapping[str, str]) -> None:
        """Sends those of header → value that are not so already, in their order."""
        for header, value in wanted.items():
            if self._values.get(header) != value:
                self._talk.tell(self._join.format(header, value))
                self._values[header] = value
