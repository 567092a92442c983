"""Brings every source to its safe levels with its outputs off, and reads both back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drivers.bench.boxes import Boxes
from drivers.bench.lanes import Task
from drivers.bench.levels import Levels
from drivers.bench.opening import Opening
from mgd_lab.errors import ChipError, InstrumentError, LinkError, MgdLabError


class SafeState:
    """No instrument is left out because another one failed.

    Args:
        boxes: the instruments.
        opening: reconnects one whose link failed.
        levels: with those that are safe.
    """

    def __init__(self, boxes: Boxes, opening: Opening, levels: Levels) -> None:
        self._boxes = boxes
        self._opening = opening
        self._levels = levels
        self._troubles: dict[str, str] = {}

    def complaint(self, bench: str) -> InstrumentError | None:
        """What instruments that are known to be safe complained of on the way there."""
        if not self._troubles:
            return None
        return InstrumentError(
            f"{bench}: {reasons_in_words(self._troubles)} (said while it was made safe, which it "
            "is, as read back)"
        )

    def reach(self) -> Mapping[str, str]:
        """Instrument → why it is not known to be safe; empty where all of them are."""
        unsafe: dict[str, str] = {}

        def task(name: str) -> Task:
            def make_safe() -> None:
                reason = self._make_safe(name)
                if reason:
                    unsafe[name] = reason

            return make_safe

        self._levels.forget()
        self._troubles.clear()
        self._opening.backwards(task, self._sources)
        return {name: unsafe[name] for name in self._boxes.all if name in unsafe}

    @property
    def _sources(self) -> set[str]:
        return set(self._levels.by_instrument(self._levels.safe))

    def _make_safe(self, name: str) -> str:
        """Why it is not known to be safe; "" where it is."""
        try:
            self._climb(name)
        except LinkError as fault:
            # The session may be out of step; a new one finds the instrument if it is there.
            try:
                self._opening.reconnect(name)
                self._climb(name)
            # Whatever a driver raises, the other instruments are made safe.
            except Exception as error:  # noqa: BLE001
                return f"{told(fault)}; then {told(error)}"
        except Exception as error:  # noqa: BLE001
            return told(error)
        return ""

    def _climb(self, name: str) -> None:
        """Each rung is tried whatever became of those before it; a link that fails ends it."""
        source = self._boxes.sources[name]
        wanted = self._levels.by_instrument(self._levels.safe)[name]
        troubles: list[str] = []

        def attempt(rung: Callable[[], None]) -> None:
            try:
                rung()
            except LinkError:
                raise
            # Likewise: what cannot be set may still be switched off.
            except Exception as error:  # noqa: BLE001
                troubles.append(told(error))

        attempt(lambda: source.set_levels(wanted))
        attempt(lambda: source.switch_outputs(False))
        failed = len(troubles)
        attempt(lambda: self._verify(name))
        text = "; ".join(dict.fromkeys(troubles))
        if len(troubles) > failed:
            raise ChipError(text)
        if text:
            # What was read back counts, not what was said on the way there.
            self._troubles[name] = text

    def _verify(self, name: str) -> None:
        source = self._boxes.sources[name]
        differs = self._levels.differs(name, self._levels.safe, source.read_levels())
        if source.outputs_are_on():
            differs = f"{differs}; its outputs are still on" if differs else "outputs are still on"
        if differs:
            raise ChipError(differs)


def reasons_in_words(unsafe: Mapping[str, str]) -> str:
    """What `SafeState.reach` gave, as a part of a sentence."""
    return "; ".join(
        reason if reason.startswith(name) else f"{name}: {reason}"
        for name, reason in unsafe.items()
    )


def told(error: BaseException) -> str:
    """An error in words; its kind too where it is none of ours."""
    if isinstance(error, MgdLabError):
        return str(error)
    return f"{type(error).__name__}: {error}"
