"""The driver `scpi`: a chip that speaks `docs/protocol-scpi.md` over any VISA library."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from drivers.scpi_link import ScpiLink
from drivers.scpi_settings import ScpiSettings
from drivers.visa_session import VisaSession
from mgd_lab.chip import ChipDescription
from mgd_lab.costs import CostFunction
from mgd_lab.errors import (
    CapabilityError,
    ChipError,
    ConfigurationError,
    IdentityError,
    InstrumentError,
    MgdLabError,
)
from mgd_lab.experiment.chip_settings import ChipDriver
from mgd_lab.experiment.limits import narrowed
from mgd_lab.wire import (
    Amplitudes,
    Costs,
    Dense,
    Header,
    Outputs,
    ReadParameters,
    Samples,
    SetCost,
    Signs,
    WriteParameters,
    decode_description,
)

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_SAMPLES_MESSAGE_BYTES = 2**16
_READ_BACK_TOLERANCE = 1e-6
"""Relative: a register that keeps float32 reads back within it."""


class ScpiChip:
    """A chip behind a VISA resource; it has every capability that its firmware has.

    Args:
        settings: the chip file.
        visa_library: what `pyvisa.ResourceManager` takes; `settings.visa_library` where None.
        sequence: number of the request before the first; drawn where None.
    """

    def __init__(
        self, settings: ScpiSettings, visa_library: Any = None, *, sequence: int | None = None
    ) -> None:
        self._settings = settings
        self._name = settings.name or settings.resource
        library = settings.visa_library if visa_library is None else visa_library
        session = VisaSession(library, settings.resource, settings.timeout_seconds, self._name)
        self._link = ScpiLink(session, self._name, sequence)
        self._description: ChipDescription | None = None
        self._identity: dict[str, str] = {}
        self._theta = b""
        self._theta_number = 0

    @property
    def description(self) -> ChipDescription:
        """What the chip says of itself, narrowed by the chip file's limits."""
        if self._description is None:
            raise ChipError(f"{self._name} is not open, so its description is not known yet")
        return self._description

    @property
    def identity(self) -> Mapping[str, str]:
        """manufacturer, model, serial, firmware, resource."""
        return self._identity

    def __enter__(self) -> Self:
        try:
            self._connect()
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
            failure = ChipError(
                f"{self._name} could not be verified to be at its safe values: {fault}. "
                "Check the chip by hand before leaving it alone"
            )
            if error is None:
                self._close_after(failure)
                raise failure from fault
            error.add_note(str(failure))
            self._close_after(error)
        else:
            self._link.close()

    def write_parameters(self, values: Float64) -> None:
        """Writes values (P,)."""
        self._check_sizes(values, 8 * self.description.parameters, "parameters")
        self._link.exchange(WriteParameters(values), 0)
        self._link.check_errors("writing parameters")

    def read_parameters(self) -> Float64:
        """What the registers hold, (P,)."""
        return self._link.exchange(ReadParameters(), self.description.parameters)

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """For parameters (P,), inputs (n, I) → outputs (n, O)."""
        width, n = self.description.outputs, self._block(len(inputs))
        self._check_sizes(parameters, 8 * self.description.parameters, "parameters")
        self._check_sizes(inputs, 4 * n * self.description.inputs, "inputs")
        return self._link.exchange(Outputs(parameters, inputs), n * width).reshape(n, width)

    def set_cost(self, cost: CostFunction) -> None:
        """The cost function that the chip computes from now on."""
        self._link.exchange(SetCost(cost), 0)
        self._link.check_errors("setting the cost function")

    def costs(self, parameters: Float64, inputs: Float32, targets: Float32) -> Float64:
        """For parameters (P,), inputs (n, I), targets (n, O) → costs (n,)."""
        n = self._block(len(inputs))
        self._check_sizes(parameters, 8 * self.description.parameters, "parameters")
        self._check_sizes(inputs, 4 * n * self.description.inputs, "inputs")
        self._check_sizes(targets, 4 * n * self.description.outputs, "targets")
        return self._link.exchange(Costs(parameters, inputs, targets), n)

    def load_samples(self, inputs: Float32, targets: Float32) -> None:
        """Takes inputs (N, I), targets (N, O), in messages of at most 64 kB."""
        total, memory = len(inputs), self.description.sample_memory
        if not 0 < total <= memory:
            raise CapabilityError(
                f"{self._name}: {total} samples are to be loaded; the chip holds 1 to {memory}"
            )
        self._check_sizes(inputs, 4 * total * self.description.inputs, "inputs")
        self._check_sizes(targets, 4 * total * self.description.outputs, "targets")
        row_bytes = 4 * (self.description.inputs + self.description.outputs)
        rows = min(self.description.sample_memory, max(1, _SAMPLES_MESSAGE_BYTES // row_bytes))
        for first in range(0, total, rows):
            part = slice(first, first + rows)
            self._link.exchange(Samples(first, total, inputs[part], targets[part]), 0)
        self._link.check_errors("loading samples")

    def measure_dense(
        self, theta: Float32, samples: NDArray[np.uint32], perturbations: Float32
    ) -> Float64:
        """For theta (P,), samples (n,), perturbations (n, P) → costs (n,)."""
        n = self._block(len(samples))
        self._check_sizes(perturbations, 4 * n * self.description.parameters, "perturbations")
        number, sent = self._theta_to_send(theta)
        return self._measure(Dense(number, sent, samples, perturbations), n)

    def set_amplitudes(self, amplitudes: Float32) -> None:
        """Takes amplitudes (P,) of the packed codes."""
        self._check_sizes(amplitudes, 4 * self.description.parameters, "amplitudes")
        self._link.exchange(Amplitudes(amplitudes), 0)
        self._link.check_errors("setting amplitudes")

    def measure_signs(
        self,
        theta: Float32,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        packed_codes: NDArray[np.uint8],
    ) -> Float64:
        """For theta (P,), samples (n,), signs (n,), packed_codes (n, ⌈P/8⌉) → costs (n,)."""
        n = self._block(len(samples))
        self._check_sizes(signs, n, "signs")
        self._check_sizes(packed_codes, n * ((self.description.parameters + 7) // 8), "codes")
        number, sent = self._theta_to_send(theta)
        return self._measure(Signs(number, sent, samples, signs, packed_codes), n)

    def _connect(self) -> None:
        self._theta = b""
        self._link.open()
        self._identify(self._link.ask(Header.IDENTITY))
        found = self._link.take_errors()
        if found:
            self._identity["errors_found_when_opened"] = ", ".join(found)
        declared = decode_description(self._link.ask_block(Header.DESCRIPTION))
        named = dataclasses.replace(declared, name=self._settings.name or declared.name)
        self._description = narrowed(named, self._settings.limits)
        self._link.learn_epoch()

    def _identify(self, answer: str) -> None:
        fields = [field.strip() for field in answer.split(",")]
        if len(fields) != 4 or not fields[0] or not answer.isprintable():
            raise self._link.garbage(Header.IDENTITY, answer.encode())
        found: dict[str, str] = dict(
            zip(("manufacturer", "model", "serial", "firmware"), fields, strict=True)
        )
        for field, expected in self._settings.identity.model_dump(exclude_none=True).items():
            if found[field] != expected:
                raise IdentityError(
                    f"{self._name}: {field} of the instrument at {self._settings.resource} is "
                    f"{found[field]!r}; the chip file names {expected!r}. Nothing was sent to it "
                    "but *IDN?; correct the key resource or identity"
                )
        self._identity = {**found, "resource": self._settings.resource}

    def _make_safe(self) -> None:
        if self._link.out_of_step:
            # A reply may still be under way: only a new session is sure not to receive it.
            self._connect()
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

    def _close_after(self, error: BaseException) -> None:
        try:
            self._link.close()
        except ChipError as failure:
            error.add_note(f"closing failed too: {failure}")

    def _theta_to_send(self, theta: Float32) -> tuple[int, Float32 | None]:
        data = theta.tobytes()
        if data == self._theta:
            return self._theta_number, None
        self._check_sizes(theta, 4 * self.description.parameters, "theta")
        self._theta = data
        self._theta_number = self._theta_number % 0xFFFFFFFF + 1
        return self._theta_number, theta

    def _measure(self, request: Dense | Signs, count: int) -> Float64:
        try:
            return self._link.exchange(request, count)
        except InstrumentError:
            # The chip may have refused before it kept θ: the next block carries it again.
            self._theta = b""
            raise

    def _block(self, probes: int) -> int:
        if not 0 < probes <= self.description.largest_block:
            raise ConfigurationError(
                f"{self._name}: a block of {probes} probes; the chip takes 1 to "
                f"{self.description.largest_block}"
            )
        return probes

    def _check_sizes(self, values: NDArray[Any], expected_bytes: int, what: str) -> None:
        if values.nbytes != expected_bytes:
            raise ConfigurationError(
                f"{self._name}: {what} of shape {values.shape} and type {values.dtype} take "
                f"{values.nbytes} bytes; the chip's description makes them {expected_bytes}"
            )


DRIVER = ChipDriver(settings=ScpiSettings, build=ScpiChip)
