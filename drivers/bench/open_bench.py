"""A bench as a chip: opened, written to and read, switched, made safe and closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from drivers.bench.description import describe, timing_report
from drivers.bench.exchanges import Exchanges
from drivers.bench.opening import FIELDS
from drivers.bench.outputs import Outputs
from drivers.bench.parts import parts_of
from drivers.bench.safe_state import SafeState, reasons_in_words
from drivers.bench.settings import BenchSettings
from mgd_lab.chip import ChipDescription, Recovery
from mgd_lab.errors import (
    NOT_VERIFIED,
    ChipError,
    ConfigurationError,
    MgdLabError,
    UnverifiedError,
)

Float64 = NDArray[np.float64]


class OpenBench:
    """What a bench has, however it measures.

    Args:
        settings: the chip file.
        library: what `pyvisa.ResourceManager` takes, or a `TimedLibrary`; that of the chip file
            where None.
    """

    def __init__(self, settings: BenchSettings, library: Any = None) -> None:
        self._settings = settings
        self._parts = parts = parts_of(settings, library)
        self._description = describe(settings, parts.times)
        self._name = self._description.name
        self._safe = SafeState(parts.boxes, parts.opening, parts.levels)
        self._exchanges = Exchanges(
            self._name,
            settings.retries,
            parts.lanes,
            parts.boxes.all,
            self._reopen,
            parts.time.wait,
        )
        # What every knob is meant to be at; NaN where nobody has said so.
        self._values: Float64 = parts.sources.resting.copy()
        self._outputs = Outputs(
            self._name, parts.boxes, parts.opening, parts.sources, parts.levels, parts.lanes
        )

    @property
    def description(self) -> ChipDescription:
        """By the mappings, narrowed by the chip file's limits."""
        return self._description

    @property
    def identity(self) -> Mapping[str, str]:
        """`model`: what it is made of; then each instrument by its name."""
        found = self._parts.opening.identities_in_words
        empty = dict.fromkeys(FIELDS, "")
        return {**empty, "model": f"bench of {len(self._parts.boxes.all)} instruments", **found}

    @property
    def timing_report(self) -> str:
        """Which timing, why, and the probes a second that it promises."""
        choice, parts = self._parts.choice, self._parts
        return timing_report(
            choice.kind, choice.reason, parts.times, self._description.largest_block
        )

    def take_recoveries(self) -> Sequence[Recovery]:
        """What the links recovered from since the last call."""
        return self._exchanges.take_recoveries()

    def __enter__(self) -> Self:
        parts = self._parts
        parts.levels.forget()
        self._outputs.unseen = ""
        self._values = parts.sources.resting.copy()
        self._values[parts.sources.trained] = np.nan
        try:
            self._exchanges.open(parts.opening.open)
            self._outputs.were_switched_on = self._ask_outputs(self._outputs.any_on)
        except BaseException as error:
            self._exchanges.close()
            parts.opening.close_after(error)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exchanges.close()
        opening = self._parts.opening
        try:
            failure = self._made_safe()
        except BaseException as cut_short:
            opening.close_after(cut_short)
            raise
        if failure is None and error is None:
            opening.close()
            return
        opening.close_after(error or failure or ChipError(self._name))
        if failure is None:
            return
        if error is None:
            raise failure
        error.add_note(str(failure))

    def write_parameters(self, values: Float64) -> None:
        """Writes values (P,), and waits until they have settled.

        Raises:
            LimitError: a value lies beyond its mapping, or an instrument refused it.
        """
        self._check_shape(values, (self._description.parameters,), "parameters")
        sources = self._parts.sources
        wanted = np.where(np.isnan(self._values), sources.safe, self._values)
        wanted[sources.trained] = values
        levels = sources.levels(wanted)

        def write() -> None:
            # Whether a block is to be believed is known only while it stands.
            self._outputs.look_at_last_blocks()
            self._parts.levels.set(levels, sources.trained)

        self._exchanges.perform(write, "writing parameters", of=sources.columns)
        self._values[sources.trained] = values

    def read_parameters(self) -> Float64:
        """What the sources say they are at, (P,)."""
        return self._read_back("reading θ")[self._parts.sources.trained]

    def switch_outputs(self, on: bool) -> None:
        """On: first fixed values and inputs at rest, then outputs, each read back. Off: reversed.

        Raises:
            ChipError: an instrument stays as it was, or trips at once.
        """
        self._exchanges.perform(
            self._switch_on if on else self._switch_off,
            f"switching outputs {'on' if on else 'off'}",
            of=self._parts.sources.columns,
        )

    def outputs_are_on(self) -> bool:
        """Whether any source is on, as the instruments say.

        A source without a switch tells no more than its level: at level 0 it is what it was told.
        """
        return self._ask_outputs(self._outputs.any_on) or (
            self._outputs.were_switched_on and self._ask_outputs(self._outputs.all_on)
        )

    def _ask_outputs(self, question: Callable[[], bool]) -> bool:
        return self._exchanges.perform(
            question, "reading the outputs", of=self._parts.sources.columns
        )

    def _read_back(self, what: str) -> Float64:
        """Values (K,); what reads as it was told is that value to the last bit."""
        sources = self._parts.sources
        levels = self._exchanges.perform(self._parts.levels.read, what, of=sources.columns)
        values = sources.values(levels)
        told = np.where(np.isnan(self._values), sources.safe, self._values)
        for known in (sources.safe, told):
            values = np.where(levels == sources.levels(known), known, values)
        return values

    def _switch_on(self) -> None:
        sources = self._parts.sources
        still = self._not_trained()
        self._values[still] = sources.resting[still]
        known = np.flatnonzero(~np.isnan(self._values))
        levels = sources.levels(np.where(np.isnan(self._values), sources.safe, self._values))
        self._outputs.switch_on(levels, known)

    def _switch_off(self) -> None:
        try:
            self._outputs.look_at_last_blocks()
        finally:
            self._outputs.switch_off(self._not_trained())

    def _not_trained(self) -> NDArray[np.intp]:
        still = np.ones(len(self._values), np.bool_)
        still[self._parts.sources.trained] = False
        return np.flatnonzero(still)

    def _reopen(self, names: set[str]) -> None:
        parts = self._parts
        parts.opening.reopen(
            names,
            parts.levels,
            outputs_on=self._outputs.were_switched_on,
        )

    def _made_safe(self) -> MgdLabError | None:
        """What is to be raised about the way down; None where all is verified and no error kept."""
        parts = self._parts
        # Whatever a driver raises here, every source is made safe.
        with suppress(Exception):
            self._outputs.look_at_last_blocks()
        self._outputs.were_switched_on = False
        unsafe = self._safe.reach()
        # Of a meter that is dead the run's own error tells.
        silent = {*unsafe, *(set(self._exchanges.doubtful) - set(parts.sources.columns))}
        reachable = [name for name in parts.boxes.all if name not in silent]
        complaint: MgdLabError | None = self._outputs.complaint() or self._safe.complaint(
            self._name
        )
        try:
            parts.opening.drain_errors(reachable)
        except MgdLabError as error:
            if complaint is not None:
                error.add_note(str(complaint))
            complaint = error
        if not unsafe:
            return complaint
        reasons = reasons_in_words(unsafe)
        others = [name for name in parts.sources.columns if name not in unsafe]
        rest = f" All others ({', '.join(others)}) are, as read back." if others else ""
        failure = UnverifiedError(
            f"{self._name} {NOT_VERIFIED}: {reasons}.{rest} Check the chip by hand before leaving "
            "it alone"
        )
        if complaint is not None:
            failure.add_note(str(complaint))
        return failure

    def _check_shape(self, values: NDArray[Any], shape: tuple[int, ...], what: str) -> None:
        if values.shape != shape:
            raise ConfigurationError(
                f"{self._name}: {what} of shape {values.shape}; by its description they are {shape}"
            )
