"""Rungs forward to signs of a chip behind a link, as numbered requests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drivers.connected_chip import ConnectedChip
from mgd_lab.costs import CostFunction
from mgd_lab.errors import (
    CapabilityError,
    ChipError,
    ConfigurationError,
    InstrumentError,
    LimitError,
    LinkError,
)
from mgd_lab.wire import (
    CRC_BYTES,
    HEADER_BYTES,
    Amplitudes,
    Costs,
    Dense,
    Outputs,
    Request,
    Samples,
    SamplesHash,
    SetCost,
    Signs,
    WriteParameters,
    samples_hash,
)

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_SAMPLES_MESSAGE_BYTES = 2**16
_PLACE_BYTES = 8


class MeasuringChip(ConnectedChip):
    """What measures on a chip behind a link.

    Blocks that are longer than the link carries in one request are measured in several.
    """

    _theta_number = 0
    _samples_hash = 0

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """For parameters (P,), inputs (n, I) → outputs (n, O)."""
        width, n = self.description.outputs, self._block(len(inputs))
        self._check_sizes(parameters, 8 * self.description.parameters, "parameters")
        self._check_sizes(inputs, 4 * n * self.description.inputs, "inputs")
        row = max(4 * self.description.inputs, 8 * width)

        def presented(part: slice) -> Float64:
            request = Outputs(parameters, inputs[part])
            return self._present(request, (part.stop - part.start) * width)

        found = self._in_parts(n, 8 * self.description.parameters, row, presented)
        return found.reshape(n, width)

    def set_cost(self, cost: CostFunction) -> None:
        """The cost function that the chip computes from now on."""
        self._configure(SetCost(cost), "setting the cost function")

    def costs(self, parameters: Float64, inputs: Float32, targets: Float32) -> Float64:
        """For parameters (P,), inputs (n, I), targets (n, O) → costs (n,)."""
        n = self._block(len(inputs))
        self._check_sizes(parameters, 8 * self.description.parameters, "parameters")
        self._check_sizes(inputs, 4 * n * self.description.inputs, "inputs")
        self._check_sizes(targets, 4 * n * self.description.outputs, "targets")
        row = max(4 * (self.description.inputs + self.description.outputs), 8)

        def presented(part: slice) -> Float64:
            request = Costs(parameters, inputs[part], targets[part])
            return self._present(request, len(request.inputs))

        return self._in_parts(n, 8 * self.description.parameters, row, presented)

    def load_samples(self, inputs: Float32, targets: Float32) -> None:
        """Takes inputs (N, I), targets (N, O); they are kept for a restart, and must not change.

        Where the chip tells what it holds, that is compared; ChipError where it stays another.
        """
        total, memory = len(inputs), self.description.sample_memory
        if not 0 < total <= memory:
            raise CapabilityError(
                f"{self._link.name}: {total} samples are to be loaded; the chip holds 1 to {memory}"
            )
        self._check_sizes(inputs, 4 * total * self.description.inputs, "inputs")
        self._check_sizes(targets, 4 * total * self.description.outputs, "targets")
        self._samples_hash = samples_hash(inputs, targets)
        for _ in range(self._retries.per_block + 1):
            self._send_samples(inputs, targets)
            if self._holds_what_was_sent():
                return
        raise ChipError(
            f"{self._link.name}: of {self._retries.per_block + 1} loads (retries.per_block) of "
            f"{total} samples none is in the chip's memory as it was sent (their CRC-32 differs). "
            "Check the memory and its power; mgd-lab conformance judges the firmware"
        )

    def _send_samples(self, inputs: Float32, targets: Float32) -> None:
        total, row = len(inputs), 4 * (self.description.inputs + self.description.outputs)
        rows = self._fitting(total, _PLACE_BYTES, row)
        rows = min(rows, max(1, _SAMPLES_MESSAGE_BYTES // row))
        self._set_up.forget(Samples)
        self._set_up.forget(SamplesHash)
        for first in range(0, total, rows):
            part = slice(first, first + rows)
            request = Samples(first, total, inputs[part], targets[part])
            if first + rows < total:
                self._perform(lambda sent=request: self._link.exchange(sent, 0), "loading samples")
            else:
                self._perform(
                    lambda sent=request: self._tell(sent, "loading samples"), "loading samples"
                )
            self._set_up.extend(request)

    def samples_hash(self) -> int:
        """CRC-32 of the samples that the chip holds, as it tells it."""
        found = float(self._ask_for_hash()[0])
        if not found.is_integer():
            raise InstrumentError(f"{self._link.name}: {found} cannot be the CRC-32 of samples")
        return int(found)

    def _holds_what_was_sent(self) -> bool:
        if "samples_hash" not in self.description.features:
            return True
        found = float(self._ask_for_hash()[0])
        if found == self._samples_hash:
            self._set_up.replace(SamplesHash())
            return True
        self._recoverer.note("samples_differ", f"{self._link.name}: {self._other_samples(found)}")
        return False

    def _ask_for_hash(self) -> Float64:
        return self._perform(lambda: self._link.exchange(SamplesHash(), 1), "comparing samples")

    def _set_up_again(self, request: Request) -> None:
        if not isinstance(request, SamplesHash):
            super()._set_up_again(request)
            return
        found = float(self._link.exchange(request, 1)[0])
        if found != self._samples_hash:
            raise LinkError(f"{self._link.name}: {self._other_samples(found)}")

    def _other_samples(self, found: float) -> str:
        return (
            f"the CRC-32 of the samples that the chip holds is {found:.0f}, that of the samples "
            f"sent {self._samples_hash}"
        )

    def measure_dense(
        self, theta: Float32, samples: NDArray[np.uint32], perturbations: Float32
    ) -> Float64:
        """For theta (P,), samples (n,), perturbations (n, P) → costs (n,)."""
        n, P = self._block(len(samples)), self.description.parameters
        self._check_sizes(perturbations, 4 * n * P, "perturbations")

        def measured(part: slice) -> Float64:
            chosen, moves = samples[part], perturbations[part]
            return self._measure(
                theta, len(chosen), lambda number, sent: Dense(number, sent, chosen, moves)
            )

        return self._in_parts(n, 4 * P, 4 + 4 * P, measured)

    def set_amplitudes(self, amplitudes: Float32) -> None:
        """Takes amplitudes (P,) of the packed codes."""
        self._check_sizes(amplitudes, 4 * self.description.parameters, "amplitudes")
        self._configure(Amplitudes(amplitudes.copy()), "setting amplitudes")

    def measure_signs(
        self,
        theta: Float32,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        packed_codes: NDArray[np.uint8],
    ) -> Float64:
        """For theta (P,), samples (n,), signs (n,), packed_codes (n, ⌈P/8⌉) → costs (n,)."""
        n, P = self._block(len(samples)), self.description.parameters
        packed = (P + 7) // 8
        self._check_sizes(signs, n, "signs")
        self._check_sizes(packed_codes, n * packed, "codes")

        def measured(part: slice) -> Float64:
            chosen, signed, codes = samples[part], signs[part], packed_codes[part]
            return self._measure(
                theta, len(chosen), lambda number, sent: Signs(number, sent, chosen, signed, codes)
            )

        return self._in_parts(n, 4 * P, max(5 + packed, 8), measured)

    def _present(self, request: Request, count: int) -> Float64:
        self._set_up.forget(WriteParameters)
        what = f"{request.opcode.name} for {count} results"
        return self._perform(lambda: self._link.exchange(request, count), what, count)

    def _measure(
        self, theta: Float32, count: int, make: Callable[[int, Float32 | None], Request]
    ) -> Float64:
        def operation() -> Float64:
            number, sent = self._theta_to_send(theta)
            try:
                return self._link.exchange(make(number, sent), count)
            except InstrumentError as error:
                # The chip may have refused before it kept θ: the next block carries it again.
                self._theta = b""
                if sent is None:
                    raise LinkError(f"{error} (the θ that it should hold is sent again)") from error
                raise
            except LimitError:
                self._theta = b""
                raise

        self._set_up.forget(WriteParameters)
        return self._perform(operation, f"a block of {count} probes", count)

    def _theta_to_send(self, theta: Float32) -> tuple[int, Float32 | None]:
        data = theta.tobytes()
        if data == self._theta:
            return self._theta_number, None
        self._check_sizes(theta, 4 * self.description.parameters, "theta")
        self._theta = data
        self._theta_number = self._theta_number % 0xFFFFFFFF + 1
        return self._theta_number, theta

    def _block(self, probes: int) -> int:
        if not 0 < probes <= self.description.largest_block:
            raise ConfigurationError(
                f"{self._link.name}: a block of {probes} probes; the chip takes 1 to "
                f"{self.description.largest_block}"
            )
        return probes

    def _in_parts(
        self, rows: int, fixed_bytes: int, row_bytes: int, measured: Callable[[slice], Float64]
    ) -> Float64:
        """All rows, cut into what one request and its reply can carry."""
        step = self._fitting(rows, fixed_bytes, row_bytes)
        if step == rows:
            return measured(slice(0, rows))
        parts = [slice(k, min(k + step, rows)) for k in range(0, rows, step)]
        return np.concatenate([measured(part) for part in parts])

    def _fitting(self, rows: int, fixed_bytes: int, row_bytes: int) -> int:
        free = self._link.largest_request_bytes - HEADER_BYTES - CRC_BYTES - fixed_bytes
        fits = free // row_bytes
        if fits < 1:
            raise CapabilityError(
                f"{self._link.name}: one probe takes a request of {fixed_bytes + row_bytes} bytes; "
                f"the link carries {self._link.largest_request_bytes}. Choose a rung that sends "
                "less a probe"
            )
        return min(fits, rows)
