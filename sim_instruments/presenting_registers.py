"""Registers of an emulated chip, its samples and its cost, and what presentations of them cost."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription, TelemetryChannel
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ChipError
from mgd_lab.experiment.imperfections import Imperfections
from sim_instruments.engines import Engine
from sim_instruments.guarded_registers import EXTREMES, PRESENTATIONS, GuardedRegisters
from sim_instruments.imperfections.signal_path import SignalPath, has_signal_path, told

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_CLIPPED = (TelemetryChannel("inputs_clipped"), TelemetryChannel("outputs_clipped"))


class PresentingRegisters(GuardedRegisters):
    """What is held is presented by an engine: as it is, or by way of imperfections.

    Args:
        description: the chip's.
        latency_seconds: how long an exchange takes.
        engine: of a network whose activations are already those of the chip.
        imperfections: all others.
        seed: of the chip's randomness.
    """

    def __init__(
        self,
        description: ChipDescription,
        latency_seconds: float,
        engine: Engine,
        imperfections: Imperfections,
        seed: int,
    ) -> None:
        super().__init__(description, latency_seconds)
        self._engine = engine
        self._cost: CostFunction | None = None
        self._inputs = np.empty((0, description.inputs), np.float32)
        self._targets = np.empty((0, description.outputs), np.float32)
        self._told_imperfections = told(imperfections, seed)
        self._path: SignalPath | None = None
        if has_signal_path(imperfections):
            self._path = SignalPath(imperfections, seed, description, engine)

    def power_on(self) -> None:
        """As after a power failure; devices keep their wear, and noise goes on."""
        super().power_on()
        if self._path is not None:
            self._path.restart()

    def read_telemetry(self) -> Float64:
        """With the numbers of inputs written and of outputs read beyond the converters' ranges."""
        readings = super().read_telemetry()
        if self._path is None or not set(_CLIPPED) <= set(self._description.telemetry):
            return readings
        return np.append(readings, self._path.clipped)

    def _keep(self, values: Float64) -> None:
        super()._keep(values)
        if self._path is not None:
            self._path.write(values)

    def set_cost(self, cost: CostFunction) -> None:
        """What `costs` and blocks of probes compute."""
        self._cost = cost
        self._engine.set_cost(cost)
        if self._path is not None:
            self._path.set_cost(cost)

    def takes_any_cost(self) -> bool:
        """It is computed in this process."""
        return True

    def load_samples(self, inputs: Float32, targets: Float32) -> None:
        """inputs (N, I), targets (N, O)."""
        self._checked(inputs, (len(inputs), self._description.inputs), "inputs")
        self._checked(targets, (len(inputs), self._description.outputs), "targets")
        self._inputs, self._targets = inputs.copy(), targets.copy()
        (self._path or self._engine).load(self._inputs, self._targets)

    def samples_hash(self) -> int:
        """CRC-32 of inputs, then targets, as float32, little-endian."""
        of_inputs = zlib.crc32(self._inputs.astype("<f4").tobytes())
        return zlib.crc32(self._targets.astype("<f4").tobytes(), of_inputs)

    def _measure(
        self, theta: Float64, samples: NDArray[np.uint32], perturbations: Float64
    ) -> Float64:
        """`perturbations` (n, P), signed, may be overwritten."""
        parameters = perturbations if self._path is None else perturbations.copy()
        parameters += theta
        self._stage.present(theta, parameters)
        self._keep(theta)
        if self._path is not None:
            return self._path.costs(perturbations, self._held(samples))
        return self._present(parameters, samples)

    def _measure_many(
        self,
        theta: Float64,
        amplitudes: Float64,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        packed: NDArray[np.uint8],
    ) -> Float64:
        """The same for codes of bits, whose θ + θ̃ the engine makes."""
        if self._path is not None:
            return self._path.costs_of_codes(amplitudes, self._held(samples), signs, packed)
        values = (theta, theta - amplitudes, theta + amplitudes)
        return self._engine.costs_of_codes(*values, self._held(samples), signs, packed)

    def _present(self, parameters: Float64, samples: NDArray[np.uint32]) -> Float64:
        """parameters (n, P), samples (n,) → costs (n,)."""
        return self._engine.costs(parameters, self._held(samples))

    def _held(self, samples: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """The samples, after a look whether they are there, and can be measured."""
        self._the_cost()
        if samples.dtype.kind != "u":
            raise ChipError(f"{self._description.name}: samples are {samples.dtype}, not unsigned")
        if len(samples) and samples.max() >= len(self._inputs):
            raise ChipError(
                f"{self._description.name}: sample {int(samples.max())} was asked for; "
                f"the sample memory holds {len(self._inputs)}"
            )
        return samples.astype(np.uint32, copy=False)

    def _cost_of(self, outputs: Float64, targets: Float32) -> Float64:
        # A diverging network overflows; what it then costs is the controller's to judge.
        with np.errstate(all="ignore"):
            return self._the_cost()(outputs, targets)

    def _the_cost(self) -> CostFunction:
        if self._cost is None:
            raise ChipError(f"{self._description.name}: a cost was asked for before it was set")
        return self._cost


def telemetry_of(
    imperfections: Imperfections | None, *, record_extremes: bool
) -> tuple[TelemetryChannel, ...]:
    """What an emulated chip tells of itself."""
    converts = imperfections is not None and (imperfections.input or imperfections.output)
    extremes = EXTREMES if record_extremes else ()
    return (PRESENTATIONS, *extremes, *(_CLIPPED if converts else ()))
