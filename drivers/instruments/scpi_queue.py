"""The error queue of an instrument that speaks SCPI, and what its entries mean to a chip."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.instruments.conversation import Conversation
from mgd_lab.errors import InstrumentError, LimitError

_OUT_OF_RANGE = -222


class ScpiQueue:
    """Drains `SYSTem:ERRor?` (SCPI-1999, volume 2, 21.8).

    Args:
        talk: with the instrument.
        capacity: most entries that the instrument keeps.
        limiting: codes that mean a value out of range or limits.
    """

    def __init__(
        self, talk: Conversation, capacity: int, limiting: Sequence[int] = (_OUT_OF_RANGE,)
    ) -> None:
        self._talk = talk
        self._capacity = capacity
        self._limiting = limiting

    def drain(self) -> Sequence[str]:
        """All entries; InstrumentError where the queue does not end."""
        return self._rest_after(self._talk.ask("SYST:ERR?"))

    def tell(self, commands: Sequence[str], what: str) -> None:
        """Sends commands as one message and has the instrument say whether it took them.

        Raises:
            LimitError: something in them is out of the instrument's range or limits.
            InstrumentError: the instrument refused something else.
        """
        message = ";:".join((*commands, "SYST:ERR?"))
        self._refuse(self._rest_after(self._talk.ask(message)), what)

    def ask_and_tell(self, query: str, commands: Sequence[str], what: str) -> str:
        """The same, with a query before the commands in the message; its answer."""
        message = ";:".join((query, *commands, "SYST:ERR?"))
        answer, _, entry = self._talk.ask(message).partition(";")
        # After a command error the rest of a message is not carried out, nor its last query.
        self._refuse(self._rest_after(entry) if entry else self.drain(), what)
        return answer.strip()

    def refuse(self, what: str) -> None:
        """The same for what was sent before."""
        self._refuse(self.drain(), what)

    def _rest_after(self, entry: str) -> Sequence[str]:
        errors: list[str] = []
        for _ in range(self._capacity + 1):
            if _code(entry) == 0:
                return errors
            errors.append(entry)
            entry = self._talk.ask("SYST:ERR?")
        raise InstrumentError(
            f"{self._talk.place}: its error queue does not end; the last was {errors[-1]}"
        )

    def _refuse(self, errors: Sequence[str], what: str) -> None:
        if not errors:
            return
        told = f"{self._talk.place}: errors after {what}: {'; '.join(errors)}"
        if any(_code(entry) in self._limiting for entry in errors):
            raise LimitError(f"{told}. A value lies beyond what it is configured for")
        raise InstrumentError(told)


def _code(entry: str) -> int | None:
    """The number before the comma; None where there is none."""
    text = entry.partition(",")[0].strip()
    return int(text) if text.lstrip("+-").isdigit() else None
