"""A chip behind a link, with supplies and meters on instruments of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from drivers.bench.supplies import Feeds, Supplies
from drivers.link import Link
from drivers.link_settings import IdentitySettings
from drivers.remote_chip import RemoteChip
from mgd_lab.chip import ChipDescription, Recovery
from mgd_lab.errors import ChipError, ConfigurationError, MgdLabError
from mgd_lab.experiment.chip_settings import Limits

Float64 = NDArray[np.float64]


class PoweredChip(RemoteChip):
    """Supplies go on before the chip's own outputs and off after them, whatever became of these.

    Args:
        link: the dialect.
        supplies: of this chip alone; they are opened and closed with it.
        keys: as of `ConnectedChip`.
    """

    def __init__(self, link: Link, supplies: Supplies, **keys: Any) -> None:
        super().__init__(link, **keys)
        self._supplies = supplies

    @property
    def identity(self) -> Mapping[str, str]:
        """Of the chip; then each instrument by its name."""
        return {**self._identity, **self._supplies.identities}

    def take_recoveries(self) -> list[Recovery]:
        """What the links recovered from since the last call."""
        return super().take_recoveries() + self._supplies.take_recoveries()

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._supplies.open()
        except BaseException as error:
            self._close_after(error)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        except BaseException as failure:
            self._supplies.close_after(failure)
            raise
        if error is None:
            self._supplies.close()
        else:
            self._supplies.close_after(error)

    def switch_outputs(self, on: bool) -> None:
        """The supplies, and the chip's own switch where it has one."""
        if on:
            self._supplies.switch(on=True)
            if self._has_a_switch:
                self._switch_its_outputs(on=True)
                # Whoever asks later hears of the supplies, too.
                if not self._its_outputs_are_on():
                    raise ChipError(
                        f"{self._link.name}: its own outputs were switched on and read back as "
                        "off. Check its interlock"
                    )
            return
        try:
            if self._has_a_switch:
                self._switch_its_outputs(on=False)
        finally:
            self._supplies.switch(on=False)

    def outputs_are_on(self) -> bool:
        """Of the supplies or of the chip."""
        return self._supplies.are_on() or (self._has_a_switch and self._its_outputs_are_on())

    def read_telemetry(self) -> Float64:
        """The chip's own channels, then those of the instruments, (T,)."""
        declared = self._declared
        own = np.empty(0)
        if declared is not None and declared.telemetry:
            own = self._read_own_telemetry(len(declared.telemetry))
        return np.concatenate([own, self._supplies.read()])

    def advance(self, step: int) -> None:
        """Goes on until `step` steps have been done; then the supplies are looked after."""
        super().advance(step)
        self._supplies.look()

    @property
    def _has_a_switch(self) -> bool:
        return self._declared is not None and "output_switch" in self._declared.features

    def _perform(self, operation: Callable[[], Float64], what: str, probes: int = 0) -> Float64:
        found = super()._perform(operation, what, probes)
        if probes:
            # Costs of a chip that lost its supply meanwhile are not handed on.
            self._supplies.look()
        return found

    def _described(self, own: ChipDescription) -> ChipDescription:
        beside = self._supplies.channels
        taken = {channel.name for channel in own.telemetry}
        for channel in beside:
            if channel.name in taken:
                raise ConfigurationError(
                    f"{self._link.name}: telemetry.{channel.name}: the chip has a channel of that "
                    "name; give it another"
                )
        features = own.features
        if self._supplies.feed and "output_switch" not in features:
            features = (*features, "output_switch")
        return dataclasses.replace(own, telemetry=own.telemetry + beside, features=features)

    def _make_safe(self) -> None:
        trouble: BaseException | None = None
        try:
            super()._make_safe()
        # Even a second Ctrl-C does not leave a chip under power.
        except BaseException as error:  # noqa: BLE001
            trouble = error
        unsafe = self._supplies.make_safe()
        if trouble is not None:
            trouble.add_note(unsafe or "its supplies are off, as read back")
            if unsafe and isinstance(trouble, MgdLabError):
                raise ChipError(f"{trouble}; {unsafe}") from trouble
            raise trouble
        if unsafe:
            raise ChipError(unsafe)


class LinkedChipSettings(Feeds, Protocol):
    """Keys of chip files that every chip behind a link has."""

    @property
    def name(self) -> str: ...
    @property
    def identity(self) -> IdentitySettings: ...
    @property
    def limits(self) -> Limits: ...


def chip_of(link: Link, name: str, settings: LinkedChipSettings, library: Any) -> RemoteChip:
    """The chip behind a link, with what its chip file has beside it; nothing is opened yet.

    Args:
        link: the dialect.
        name: what messages call it.
        settings: the chip file.
        library: what `pyvisa.ResourceManager` takes, for the instruments beside it.
    """
    keys: dict[str, Any] = {
        "name": settings.name,
        "identity": settings.identity,
        "limits": settings.limits,
        "retries": settings.retries,
    }
    if not settings.instruments:
        return RemoteChip(link, **keys)
    return PoweredChip(link, Supplies(name, settings, library), **keys)
