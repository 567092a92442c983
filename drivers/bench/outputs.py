"""All sources as one switch: on stage after stage, off in the reverse order, each read back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.bench.boxes import Boxes
from drivers.bench.lanes import Lanes
from drivers.bench.levels import Levels
from drivers.bench.opening import Opening
from drivers.bench.wiring import Sources
from mgd_lab.errors import ChipError, InstrumentError, LinkError, MgdLabError

Float64 = NDArray[np.float64]
Columns = NDArray[np.intp]


class Outputs:
    """Knows how they were switched last, and asks how they are.

    Args:
        name: what messages call the bench.
        boxes: the instruments.
        opening: with the stages.
        sources: those that are switched.
        levels: what stands at them.
        lanes: which are asked at the same time.

    Attributes:
        were_switched_on: and not off since.
        unseen: what tripped and nobody was told of, as it was found on the way down.
    """

    def __init__(
        self,
        name: str,
        boxes: Boxes,
        opening: Opening,
        sources: Sources,
        levels: Levels,
        lanes: Lanes,
    ) -> None:
        self._name = name
        self._boxes = boxes
        self._opening = opening
        self._sources = sources
        self._levels = levels
        self._lanes = lanes
        self.were_switched_on = False
        self.unseen = ""
        self._blocks = 0

    def look_after_block(self, every: int) -> None:
        """ChipError where a source has tripped, at every so many blocks."""
        self._blocks += 1
        if self._blocks >= every:
            self.look_for_trips()

    def look_at_last_blocks(self) -> None:
        """What tripped since the last look is kept for the end: the way down must go on.

        Raises:
            LinkError: it may be tried again.
        """
        if not self._blocks or not self.were_switched_on:
            return
        blocks = self._blocks
        try:
            self.look_for_trips()
        except LinkError:
            self._blocks = blocks
            raise
        except MgdLabError as error:
            self.unseen = f"{error}. It was looked at after the last {blocks} blocks only"

    def complaint(self) -> InstrumentError | None:
        """What is told at the end."""
        return InstrumentError(self.unseen) if self.unseen else None

    def switch_on(self, levels: Float64, columns: Columns) -> None:
        """First levels (K,), of `columns` alone, then outputs, each of which is read back.

        Raises:
            ChipError: one stays off, or trips at once.
        """
        self._levels.set(levels, columns)
        self.were_switched_on = True
        self._opening.by_stage(
            lambda name: lambda: self._boxes.sources[name].switch_outputs(True),
            self._sources.columns,
        )
        off = [name for name in self._sources.columns if not self._opening.is_on(name)]
        if off:
            raise ChipError(
                f"{self._name}: outputs of {', '.join(off)} were switched on and read back as off. "
                "Check the interlock and the supply"
            )
        self.look_for_trips()

    def switch_off(self, columns: Columns) -> None:
        """First the safe levels of `columns`, then all outputs."""
        self.were_switched_on = False
        troubles: list[MgdLabError] = []
        try:
            self._levels.set(self._levels.safe, columns)
        except MgdLabError as error:
            # What cannot be set can perhaps be switched off.
            troubles.append(error)
        self._opening.backwards(
            lambda name: lambda: self._boxes.sources[name].switch_outputs(False),
            self._sources.columns,
        )
        # One without a switch has gone to level 0.
        self._levels.doubt(np.arange(len(self._levels.safe)))
        if troubles:
            raise troubles[0]

    def any_on(self) -> bool:
        """Whether any source is on, as the instruments say."""
        return any(self._boxes.sources[name].outputs_are_on() for name in self._sources.columns)

    def all_on(self) -> bool:
        """Whether all are; one without a switch is on at level 0 too."""
        return all(self._opening.is_on(name) for name in self._sources.columns)

    def look_for_trips(self) -> None:
        """ChipError where a source has tripped since the last look."""
        self._blocks = 0
        found: dict[str, Sequence[str]] = {}

        def look(name: str) -> None:
            found[name] = self._boxes.sources[name].look_for_trips()

        self._lanes.run_or_raise(
            {name: lambda name=name: look(name) for name in self._sources.columns}
        )
        tripped = [f"{name}: {', '.join(trips)}" for name, trips in found.items() if trips]
        if tripped:
            raise ChipError(
                f"{self._name}: {'; '.join(tripped)}. The block was not used. Check the wiring and "
                "the chip, or the compliance in the chip file"
            )
