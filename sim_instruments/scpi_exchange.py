"""The device's end of the training requests: checks, carries out, answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import (
    Chip,
    GeneratesProbes,
    HashesSamples,
    HoldsParameters,
    HoldsSamples,
    Learns,
    MeasuresCost,
    MeasuresDense,
    MeasuresOutputs,
    MeasuresSigns,
)
from mgd_lab.errors import (
    CapabilityError,
    ConfigurationError,
    LimitError,
    LinkError,
    MgdLabError,
)
from mgd_lab.wire import (
    Advance,
    Amplitudes,
    ConfigureLearning,
    ConfigureProbes,
    Costs,
    Dense,
    Generated,
    Outputs,
    ReadParameters,
    Reply,
    Request,
    Restore,
    Samples,
    SamplesHash,
    SetCost,
    Signs,
    Snapshot,
    Status,
    Widths,
    WriteParameters,
    decode_request,
    refused_result_count,
)
from sim_instruments.guard_exchange import GuardRequests

Float64 = NDArray[np.float64]

_NOTHING: Float64 = np.empty(0)


class TrainingRequests:
    """Training requests carried out on a chip that offers any of the capability protocols.

    Args:
        chip: what computes or measures.
        epoch: the session epoch, u32, that every reply carries.
        report: told the status and a sentence about every request that is refused.
        watch: told how long the host may be silent.
    """

    def __init__(
        self,
        chip: Chip,
        epoch: int,
        report: Callable[[Status, str], None],
        watch: Callable[[float], None],
    ) -> None:
        self._chip: Any = chip
        self._epoch = epoch
        self._report = report
        self.widths = Widths.of(chip.description)
        self._handlers = self._supported(chip) | GuardRequests(chip, watch).handlers
        self.reset()

    def reset(self) -> None:
        """Forgets θ, amplitudes, samples and cost function."""
        self._theta: NDArray[np.float32] | None = None
        self._theta_number = 0
        self._has_amplitudes = False
        self._has_cost = False
        self._has_program = False
        self._learns = False
        self._parts: list[Samples] = []
        self._samples_held = 0

    def answer(self, data: bytes) -> bytes:
        """The bytes of one request → the bytes of its reply."""
        try:
            header, request = decode_request(data, self.widths)
            handler = self._handlers.get(type(request))
            if handler is None:
                raise CapabilityError(f"this chip has no {header.opcode.name}")
            results = handler(request)
        except MgdLabError as error:
            status = _status_of(error)
            self._report(status, str(error))
            sequence, count = refused_result_count(data, self.widths)
            return Reply(sequence, self._epoch, status, np.full(count, np.nan)).encode()
        return Reply(header.sequence, self._epoch, 0, results).encode()

    def _supported(self, chip: Chip) -> dict[type[Request], Callable[[Any], Float64]]:
        handlers: dict[type[Request], Callable[[Any], Float64]] = {}
        if isinstance(chip, HoldsParameters):
            handlers |= {WriteParameters: self._write, ReadParameters: self._read}
        if isinstance(chip, MeasuresOutputs):
            handlers[Outputs] = self._outputs
        if isinstance(chip, MeasuresCost):
            handlers |= {SetCost: self._set_cost, Costs: self._costs}
        if isinstance(chip, HoldsSamples):
            handlers[Samples] = self._load
        if isinstance(chip, HashesSamples):
            handlers[SamplesHash] = self._hash
        if isinstance(chip, MeasuresDense):
            handlers[Dense] = self._dense
        if isinstance(chip, MeasuresSigns):
            handlers |= {Amplitudes: self._amplitudes, Signs: self._signs}
        if isinstance(chip, GeneratesProbes):
            handlers |= {ConfigureProbes: self._configure_probes, Generated: self._generated}
        if isinstance(chip, Learns):
            handlers |= {
                ConfigureLearning: self._configure_learning,
                Advance: self._advance,
                Snapshot: self._snapshot,
                Restore: self._restore,
            }
        return handlers

    def _write(self, request: WriteParameters) -> Float64:
        self._chip.write_parameters(request.values)
        return _NOTHING

    def _read(self, request: ReadParameters) -> Float64:  # noqa: ARG002 (it says nothing more)
        return self._chip.read_parameters()

    def _outputs(self, request: Outputs) -> Float64:
        return self._chip.outputs(request.parameters, request.inputs).ravel()

    def _costs(self, request: Costs) -> Float64:
        if not self._has_cost:
            raise ConfigurationError("costs are asked for before a cost function is set")
        return self._chip.costs(request.parameters, request.inputs, request.targets)

    def _set_cost(self, request: SetCost) -> Float64:
        self._chip.set_cost(request.cost)
        self._has_cost = True
        return _NOTHING

    def _amplitudes(self, request: Amplitudes) -> Float64:
        self._chip.set_amplitudes(request.amplitudes)
        self._has_amplitudes = True
        return _NOTHING

    def _load(self, request: Samples) -> Float64:
        first, last = request.first, request.first + len(request.inputs)
        if not last <= request.total <= self.widths.sample_memory:
            raise LimitError(
                f"samples {first} to {last - 1} of {request.total} are sent; the memory "
                f"holds {self.widths.sample_memory}"
            )
        # What a lost reply made the host send twice replaces what came the first time.
        parts = [part for part in self._parts if part.first < first]
        reached = parts[-1].first + len(parts[-1].inputs) if parts else 0
        if reached != first or (parts and parts[-1].total != request.total):
            raise ConfigurationError(f"samples from {first} are sent; {reached} have come so far")
        self._parts = [*parts, request]
        self._samples_held = 0
        if last == request.total:
            self._chip.load_samples(
                np.concatenate([part.inputs for part in self._parts]),
                np.concatenate([part.targets for part in self._parts]),
            )
            # The parts stay: should the reply be lost, the last of them comes again.
            self._samples_held = last
        return _NOTHING

    def _hash(self, request: SamplesHash) -> Float64:  # noqa: ARG002 (it says nothing more)
        if not self._samples_held:
            raise ConfigurationError("the hash is asked for before all samples have come")
        return np.array([float(self._chip.samples_hash())])

    def _dense(self, request: Dense) -> Float64:
        theta = self._known_theta(request)
        return self._chip.measure_dense(theta, request.samples, request.perturbations)

    def _signs(self, request: Signs) -> Float64:
        if not self._has_amplitudes:
            raise ConfigurationError("codes are sent before their amplitudes")
        theta = self._known_theta(request)
        return self._chip.measure_signs(theta, request.samples, request.signs, request.packed_codes)

    def _configure_probes(self, request: ConfigureProbes) -> Float64:
        self._check_samples(request.program.samples - 1)
        self._chip.configure_probes(request.program)
        self._has_program = True
        return _NOTHING

    def _generated(self, request: Generated) -> Float64:
        if not self._has_program:
            raise ConfigurationError("probes are asked for before their program")
        theta = self._held_theta(request)
        return self._chip.measure_generated(theta, request.first_step, request.skip, request.count)

    def _configure_learning(self, request: ConfigureLearning) -> Float64:
        self._check_samples(request.program.probes.samples - 1)
        self._chip.configure_learning(request.program, request.theta)
        self._learns = True
        return _NOTHING

    def _advance(self, request: Advance) -> Float64:
        self._check_learning()
        self._chip.advance(request.step)
        return _NOTHING

    def _snapshot(self, request: Snapshot) -> Float64:  # noqa: ARG002 (it says nothing more)
        self._check_learning()
        return self._chip.snapshot()

    def _restore(self, request: Restore) -> Float64:
        self._check_learning()
        self._chip.restore(request.snapshot)
        return _NOTHING

    def _check_learning(self) -> None:
        if not self._learns:
            raise ConfigurationError("the chip has not been told what to learn")

    def _known_theta(self, request: Dense | Signs) -> NDArray[np.float32]:
        self._check_samples(int(request.samples.max()))
        return self._held_theta(request)

    def _check_samples(self, largest: int) -> None:
        if not self._has_cost:
            raise ConfigurationError("costs are asked for before a cost function is set")
        if largest >= self._samples_held:
            raise LimitError(
                f"sample {largest} is asked for; the memory holds {self._samples_held} samples"
            )

    def _held_theta(self, request: Dense | Signs | Generated) -> NDArray[np.float32]:
        if request.theta is not None:
            if request.theta_number == 0:
                raise LimitError("theta number 0 stands for no theta")
            self._theta, self._theta_number = request.theta, request.theta_number
        elif self._theta is None or request.theta_number != self._theta_number:
            raise ConfigurationError(
                f"theta {request.theta_number} is asked for; theta {self._theta_number} is held"
            )
        return self._theta


def _status_of(error: MgdLabError) -> Status:
    match error:
        case LinkError():
            return Status.INVALID_BLOCK_DATA
        case ConfigurationError():
            return Status.SETTINGS_CONFLICT
        case LimitError():
            return Status.DATA_OUT_OF_RANGE
        case _:
            return Status.HARDWARE_ERROR
