"""A chip behind a link: opened, identified, recovered, made safe and closed."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from drivers.link import Link, place
from drivers.link_settings import IdentitySettings, RetrySettings
from drivers.recovery import REOPENED, RESTARTED, RESYNCHRONISED, Recoverer
from drivers.set_up import SetUp
from mgd_lab.chip import ChipDescription, Recovery
from mgd_lab.errors import (
    NOT_VERIFIED,
    ChipError,
    ConfigurationError,
    IdentityError,
    InstrumentError,
    LinkError,
    MgdLabError,
    UnverifiedError,
    tells_unverified,
)
from mgd_lab.experiment.chip_settings import Limits
from mgd_lab.experiment.limits import narrowed
from mgd_lab.wire import ReadParameters, Request, WriteParameters

Float64 = NDArray[np.float64]

_READ_BACK_TOLERANCE = 1e-6
"""Relative: a register that keeps float32 reads back within it."""


class ConnectedChip:
    """What every chip behind a link has, whatever it can do: registers and recovery.

    Args:
        link: the dialect.
        name: what the chip file calls it; what the chip calls itself where "".
        identity: what the chip file expects of it.
        limits: the chip file's.
        retries: what is done about faults of the link.
    """

    def __init__(
        self,
        link: Link,
        *,
        name: str = "",
        identity: IdentitySettings | None = None,
        limits: Limits | None = None,
        retries: RetrySettings | None = None,
    ) -> None:
        self._link = link
        self._given_name = name
        self._expected = identity or IdentitySettings()
        self._limits = limits or Limits()
        self._retries = retries or RetrySettings()
        self._recoverer = Recoverer(link, self._retries, self._restore)
        self._set_up = SetUp()
        self._declared: ChipDescription | None = None
        self._description: ChipDescription | None = None
        self._identity: dict[str, str] = {}
        self._epoch = 0
        self._theta = b""
        self._is_open = False
        self._has_stale_errors = False
        # One exchange at a time, and how many there have been: others may show life in between.
        self._turn = threading.RLock()
        self._exchanges = 0

    @property
    def description(self) -> ChipDescription:
        """What the chip says of itself, narrowed by the chip file's limits."""
        if self._description is None:
            raise ChipError(f"{self._link.name} is not open, so its description is not known yet")
        return self._description

    @property
    def identity(self) -> Mapping[str, str]:
        """manufacturer, model, serial, firmware, resource."""
        return self._identity

    def take_recoveries(self) -> list[Recovery]:
        """What the link recovered from since the last call."""
        return self._recoverer.take_recoveries()

    def __enter__(self) -> Self:
        try:
            self._recoverer.open(self._connect, f"{self._link.name}: opening")
            self._is_open = True
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
            self._make_safe()
        except MgdLabError as fault:
            failure = UnverifiedError(
                f"{self._link.name} {NOT_VERIFIED}: {fault}. "
                "Check the chip by hand before leaving it alone"
            )
            if error is None:
                self._close_after(failure)
                raise failure from fault
            if not tells_unverified(error):
                error.add_note(str(failure))
            self._close_after(error)
        except BaseException as cut_short:
            self._close_after(cut_short)
            raise
        else:
            self._before_closing()
            self._is_open = False
            self._link.close()

    def write_parameters(self, values: Float64) -> None:
        """Writes values (P,)."""
        self._check_sizes(values, 8 * self.description.parameters, "parameters")
        self._configure(WriteParameters(values.copy()), "writing parameters")

    def read_parameters(self) -> Float64:
        """What the registers hold, (P,)."""
        count = self.description.parameters
        return self._perform(lambda: self._link.exchange(ReadParameters(), count), "reading θ")

    @property
    def _place(self) -> str:
        return place(self._link.name, self._link.address)

    def _perform(self, operation: Callable[[], Float64], what: str, probes: int = 0) -> Float64:
        if not self._is_open:
            raise LinkError(f"{self._link.name} is not open")
        with self._turn:
            found = self._recoverer.run(operation, f"{self._link.name}: {what}", probes)
            self._exchanges += 1
            return found

    def _configure(self, request: Request, what: str) -> None:
        """Sets something up, and asks whether the device found fault with it."""
        self._perform(lambda: self._tell(request, what), what)
        self._set_up.replace(request)

    def _tell(self, request: Request, what: str) -> Float64:
        if self._has_stale_errors:
            self._link.take_errors()
            self._has_stale_errors = False
        nothing = self._link.exchange(request, 0)
        errors = self._link.take_errors()
        if errors:
            # The reply has a checksum and says that all is well; the texts have none.
            self._recoverer.note(
                "doubted_error", f"{self._link.name}: {', '.join(errors)} after {what}; asked again"
            )
            nothing = self._link.exchange(request, 0)
            self._check_errors(what)
        return nothing

    def _check_errors(self, after: str) -> None:
        errors = self._link.take_errors()
        if errors:
            raise InstrumentError(
                f"{self._link.name}: after {after}, the chip reports " + ", ".join(errors)
            )

    def _connect(self) -> None:
        self._set_up.clear()
        self._theta = b""
        self._link.open()
        found = self._link.identify()
        self._check_identity(found)
        self._identity = {**found, "resource": self._link.address}
        errors = self._link.take_errors()
        if errors:
            self._identity["errors_found_when_opened"] = ", ".join(errors)
        self._declared = self._link.describe()
        named = dataclasses.replace(self._declared, name=self._given_name or self._declared.name)
        self._description = self._described(narrowed(named, self._limits))
        self._epoch = self._link.learn_epoch()

    def _described(self, own: ChipDescription) -> ChipDescription:
        """With what is beside the chip."""
        return own

    def _restore(self) -> str:
        """In step again; a device that was restarted is told all that it had been told."""
        self._theta = b""
        reopened = self._link.restore()
        # What it complains of is what reached it of the exchange that failed.
        self._has_stale_errors = True
        # As little as can be: on a line that fails often, every exchange more may fail as well.
        epoch = self._link.learn_epoch(self._epoch)
        if epoch == self._epoch:
            return REOPENED if reopened else RESYNCHRONISED
        self._check_same(self._link.identify())
        if self._link.describe() != self._declared:
            raise IdentityError(
                f"{self._place}: after a restart the device describes another chip; start a new "
                "run with it"
            )
        if any(self._set_up) and (self.description.slew_per_second > 0).any():
            raise ChipError(
                f"{self._place}: the device was restarted, and its parameters jumped to the values "
                "it starts with. Going on would make them jump back, against slew_per_second; "
                "resume the run, which ramps them"
            )
        for request in self._set_up:
            self._set_up_again(request)
        # Not before: if this fails half-way, the next attempt sets everything up.
        self._epoch = epoch
        return RESTARTED

    def _set_up_again(self, request: Request) -> None:
        self._link.exchange(request, 0)

    def _check_identity(self, found: Mapping[str, str]) -> None:
        for field, expected in self._expected.model_dump(exclude_none=True).items():
            if found[field] != expected:
                raise IdentityError(
                    f"{self._place}: {field} of the instrument is {found[field]!r}; the chip file "
                    f"names {expected!r}. It was asked for its identity and sent nothing else; "
                    "correct the address or the key identity"
                )

    def _check_same(self, found: Mapping[str, str]) -> None:
        for field, value in found.items():
            if self._identity[field] != value:
                raise IdentityError(
                    f"{self._place}: {field} of the instrument was {self._identity[field]!r} and "
                    f"is now {value!r}: another one answers"
                )

    def _make_safe(self) -> None:
        # Safe values come first: a device that was restarted meanwhile is not set up again.
        self._set_up.clear()
        safe = self.description.safe
        self.write_parameters(safe)
        found = self.read_parameters()
        allowed = self.description.resolution + _READ_BACK_TOLERANCE * np.abs(safe)
        wrong = np.flatnonzero(~(np.abs(found - safe) <= allowed))
        if len(wrong):
            i = int(wrong[0])
            raise ChipError(
                f"{self.description.parameter_names[i]} reads {found[i]:g}; its safe value is "
                f"{safe[i]:g} ({len(wrong)} parameters differ)"
            )

    def _before_closing(self) -> None:
        """Whatever runs beside the exchanges ends here."""

    def _close_after(self, error: BaseException) -> None:
        self._before_closing()
        self._is_open = False
        try:
            self._link.close()
        except ChipError as failure:
            error.add_note(f"closing failed too: {failure}")

    def _check_sizes(self, values: NDArray[Any], expected_bytes: int, what: str) -> None:
        if values.nbytes != expected_bytes:
            raise ConfigurationError(
                f"{self._link.name}: {what} of shape {values.shape} and type {values.dtype} take "
                f"{values.nbytes} bytes; the chip's description makes them {expected_bytes}"
            )
