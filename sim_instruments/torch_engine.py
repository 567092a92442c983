"""Costs of probes by PyTorch, on a CPU or a GPU."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.costs import CostFunction
from mgd_lab.errors import ChipError, ConfigurationError
from mgd_lab.experiment.emulation import DeviceChoice, Precision
from sim_instruments.engines import Network, check_precision
from sim_instruments.torch_network import Tensor, each_with_its_own, torch_forward, torch_library

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
# Places (k,) of probes → their parameters (k, P).
_ParametersOf = Callable[[slice], Tensor]

# Probes that a GPU computes together, and numbers that their parameters may fill.
_TOGETHER_ON_A_GPU = 512
_NUMBERS_ON_A_GPU = 2**27
# Likewise of parameters that are formed together on a CPU.
_FORMED_TOGETHER = 64
_NUMBERS_FORMED = 2**24


class TorchEngine:
    """One probe after another, or so many together.

    Alone, a probe is computed in memory of its own, and costs the same bits whatever else is
    measured. Together, probes go in groups of one size, the last of them filled up; libraries for
    matrices then round the same probe differently from place to place.

    Args:
        network: an mlp, a chain, or a `TorchNetwork`.
        precision: of the network's arithmetic; costs are float64.
        device: `auto` is `cuda` where PyTorch finds a GPU.
        together: 1 on a CPU and, for parameters of the usual number, 512 on a GPU, unless given.
    """

    def __init__(
        self,
        network: Network,
        precision: Precision = "float64",
        device: DeviceChoice = "auto",
        together: int | None = None,
    ) -> None:
        self._torch = torch = torch_library()
        self._device = torch.device(_device(torch, device))
        self._type = np.dtype(precision)
        self._kind = getattr(torch, precision)
        self._together = together or self._fitting(network.parameters)
        make = torch_forward if self._together == 1 else each_with_its_own
        self._forward = make(network, precision, self._device)
        self._parameters, self._outputs = network.parameters, network.outputs
        self._cost = CostFunction()
        self._samples: Tensor = torch.empty((0, network.inputs))
        self._targets: Float32 = np.empty((0, network.outputs), np.float32)
        self.title = self._told(precision)

    def set_cost(self, cost: CostFunction) -> None:
        """From now on."""
        self._cost = cost

    def load(self, inputs: Float32, targets: Float32) -> None:
        """inputs (N, I), targets (N, O)."""
        self._samples, self._targets = self._there(inputs), targets

    def set_amplitudes(self, amplitudes: Float64) -> None:
        """amplitudes (P,)."""
        check_precision(self._type, amplitudes)

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """parameters (P,), inputs (n, I) → outputs (n, O)."""
        return self._run(self._rows(parameters[None]), self._there(inputs))

    def outputs_of_samples(self, parameters: Float64, samples: NDArray[np.uint32]) -> Float64:
        """parameters (n, P) or (1, P), samples (n,) → outputs (n, O)."""
        return self._run(self._rows(parameters), self._chosen(samples))

    def outputs_of_codes(
        self,
        own: Float64,
        lower: Float64,
        upper: Float64,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        codes: NDArray[np.uint8],
    ) -> Float64:
        """samples (n,), signs (n,), packed codes (n, ⌈P/8⌉) → outputs (n, O)."""
        torch = self._torch
        values = [self._there(value).to(self._kind) for value in (own, lower, upper)]
        there, packed = self._there(signs), self._there(codes)
        places = torch.arange(8, device=self._device, dtype=torch.uint8)

        def formed(part: slice) -> Tensor:
            sign = there[part, None]
            bits = (packed[part, :, None] >> places) & 1
            set_ = bits.flatten(1)[:, : self._parameters].bool() ^ (sign < 0)
            return torch.where(sign == 0, values[0], torch.where(set_, values[2], values[1]))

        return self._run(formed, self._chosen(samples))

    def costs(self, parameters: Float64, samples: NDArray[np.uint32]) -> Float64:
        """parameters (n, P) or (1, P), samples (n,) → costs (n,)."""
        return self._costs(self.outputs_of_samples(parameters, samples), samples)

    def costs_of_codes(
        self,
        own: Float64,
        lower: Float64,
        upper: Float64,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        codes: NDArray[np.uint8],
    ) -> Float64:
        """samples (n,), signs (n,), packed codes (n, ⌈P/8⌉) → costs (n,)."""
        outputs = self.outputs_of_codes(own, lower, upper, samples, signs, codes)
        return self._costs(outputs, samples)

    def _costs(self, outputs: Float64, samples: NDArray[np.uint32]) -> Float64:
        # On the host, by the code that the host has: the same bits.
        with np.errstate(all="ignore"):
            return self._cost(outputs, self._targets.take(samples, axis=0))

    def _run(self, parameters_of: _ParametersOf, inputs: Tensor) -> Float64:
        """inputs (n, I) → outputs (n, O) at each one's parameters."""
        outputs = np.empty((len(inputs), self._outputs))
        with self._torch.inference_mode(), self._exact():
            for part in self._parts(len(inputs)):
                found = self._presented(parameters_of(part), inputs[part].to(self._kind))
                outputs[part] = found.to(self._torch.float64).cpu().numpy()
        return outputs

    def _presented(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """parameters (k, P), inputs (k, I) → outputs (k, O)."""
        count = len(inputs)
        if self._together == 1:
            # Copies begin where memory is aligned, as rows of an array do not: BLAS heeds that.
            pairs = zip(parameters, inputs, strict=True)
            rows = [self._forward(theta.clone(), sample[None].clone()) for theta, sample in pairs]
            return self._torch.cat(rows)
        rows = self._torch.arange(self._together, device=self._device).clamp(max=count - 1)
        return self._forward(parameters[rows], inputs[rows])[:count]

    def _parts(self, count: int) -> Iterator[slice]:
        length = self._together
        if length == 1:
            length = max(1, min(_FORMED_TOGETHER, _NUMBERS_FORMED // self._parameters))
        for first in range(0, count, length):
            yield slice(first, min(first + length, count))

    def _rows(self, parameters: Float64) -> _ParametersOf:
        """parameters (n, P), or (1, P) for all."""
        if len(parameters) > 1:
            return lambda part: self._there(parameters[part]).to(self._kind)
        one = self._there(parameters).to(self._kind)
        return lambda part: one.expand(part.stop - part.start, -1)

    def _chosen(self, samples: NDArray[np.uint32]) -> Tensor:
        return self._samples[self._there(samples.astype(np.int64))]

    def _there(self, array: NDArray[Any]) -> Tensor:
        # A copy: what came off a wire cannot be written, and PyTorch wants that it could.
        return self._torch.from_numpy(np.array(array)).to(self._device)

    @contextmanager
    def _exact(self) -> Generator[None]:
        """Settings of PyTorch under which the same numbers are rounded alike; put back after."""
        torch = self._torch
        if self._device.type != "cuda":
            threads = torch.get_num_threads()
            # For one small presentation, waking a second thread takes longer than it saves.
            torch.set_num_threads(1 if self._together == 1 else threads)
            try:
                yield
            finally:
                torch.set_num_threads(threads)
            return
        flags = torch.backends.cudnn.flags
        try:
            with flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
                yield
        except torch.cuda.OutOfMemoryError as error:
            raise ChipError(
                f"the GPU's memory does not hold {self._together} probes together; set "
                "chip.probes_together to less"
            ) from error

    def _fitting(self, parameters: int) -> int:
        if self._device.type == "cpu":
            return 1
        return max(1, min(_TOGETHER_ON_A_GPU, _NUMBERS_ON_A_GPU // parameters))

    def _told(self, precision: Precision) -> str:
        torch = self._torch
        told = f"torch-{precision}-{torch.__version__}-{self._device.type}"
        if self._device.type == "cuda":
            told += f"-{torch.cuda.get_device_name(self._device)}"
        elif self._together > 1:
            told += f"-threads-{torch.get_num_threads()}"
        return told if self._together == 1 else f"{told}{TOGETHER}{self._together}"


TOGETHER = "-together-"
"""Stands in the title of an engine whose bits depend on which probes are computed together."""


def _device(torch: Any, choice: DeviceChoice) -> str:
    there = bool(torch.cuda.is_available())
    if choice == "cuda" and not there:
        raise ConfigurationError(
            "chip.device: PyTorch finds no GPU; use device: auto or cpu, or install a driver, and "
            "a PyTorch that is built for it"
        )
    if choice == "auto":
        return "cuda" if there else "cpu"
    return choice
