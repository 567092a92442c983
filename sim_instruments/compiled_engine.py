"""Costs of many probes by compiled code, on all cores."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import importlib.metadata
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mgd_lab.costs import CostFunction
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.emulation import Precision
from sim_instruments.chain import Chain, as_chain
from sim_instruments.compiled_plan import Plan, plan_of
from sim_instruments.compiled_stamp import stamp_of
from sim_instruments.engines import Network, check_precision
from sim_instruments.network import MultilayerPerceptron

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Multiplications that are worth a second thread: about a tenth of a millisecond.
_WORTH_A_THREAD = 1_000_000
# Parts of a block that a thread takes at a time, so that a slow one does not hold up the rest.
_PARTS_A_THREAD = 4
# A presentation of a small network costs about as much as so many multiplications.
_ALWAYS = 200
# Counts up with every change of the order or the kind of operations, and so of bits: runs record
# it, and resume compares it.
_ARITHMETIC = 2


class CompiledEngine:
    """The same code for one probe and for many, on one thread and on several.

    Args:
        network: a `Chain` or a `MultilayerPerceptron`.
        precision: of the network's arithmetic; costs are float64.
        threads: how many may compute; all cores that the process may use unless given.
    """

    def __init__(
        self, network: Network, precision: Precision = "float64", threads: int | None = None
    ) -> None:
        if isinstance(network, MultilayerPerceptron):
            network = as_chain(network)
        if not isinstance(network, Chain):
            raise ConfigurationError(f"engine: compiled does not know {network.title}; use numpy")
        self._type = np.dtype(precision)
        self._present = compiled_present(precision)
        numba_version = importlib.metadata.version("numba")
        self.title = f"compiled-{precision}-{_ARITHMETIC}-numba-{numba_version}"
        self.precision: Precision = precision
        self._plan = plan_of(network.stages, varied=network.variation is not None)
        factors = np.empty((4, 0)) if network.variation is None else network.variation.factors
        self._variation = factors.astype(self._type)
        self._parameters, self._outputs = network.parameters, network.outputs
        self._work = _ALWAYS + self._plan.multiplications + self._parameters
        self._threads = threads or len(os.sched_getaffinity(0))
        self._pool: ThreadPoolExecutor | None = None
        self._spare: list[tuple[NDArray[Any], NDArray[Any]]] = []
        self._cost = CostFunction()
        self._inputs: Float32 = np.empty((0, network.inputs), np.float32)
        self._targets: Float32 = np.empty((0, network.outputs), np.float32)
        self._none = np.zeros(self._parameters, self._type)
        self._no_rows = np.empty((0, self._parameters))
        self._no_codes = np.empty((0, 0), np.uint8)

    @property
    def plan(self) -> Plan:
        """What it works through."""
        return self._plan

    @property
    def variation(self) -> NDArray[Any]:
        """Of its neurons, in its precision: (4, neurons), or (4, 0) where all are alike."""
        return self._variation

    @property
    def work(self) -> int:
        """Of a presentation, in multiplications."""
        return self._work

    def set_cost(self, cost: CostFunction) -> None:
        """From now on."""
        self._cost = cost

    def load(self, inputs: Float32, targets: Float32) -> None:
        """inputs (N, I), targets (N, O)."""
        self._inputs, self._targets = _plain(inputs), _plain(targets)

    def set_amplitudes(self, amplitudes: Float64) -> None:
        """amplitudes (P,)."""
        check_precision(self._type, amplitudes)

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """parameters (P,), inputs (n, I) → outputs (n, O)."""
        count = len(inputs)
        samples = np.arange(count, dtype=np.uint32)
        targets = np.empty((count, 0), np.float32)
        known = self._rows(parameters[None], count)
        return self._run(known, samples, _plain(inputs), targets, squares=False)[0]

    def outputs_of_samples(self, parameters: Float64, samples: NDArray[np.uint32]) -> Float64:
        """parameters (n, P) or (1, P), samples (n,) → outputs (n, O)."""
        return self._outputs_of(self._rows(parameters, len(samples)), samples)

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
        return self._outputs_of(self._coded((own, lower, upper), signs, codes), samples)

    def costs(self, parameters: Float64, samples: NDArray[np.uint32]) -> Float64:
        """parameters (n, P) or (1, P), samples (n,) → costs (n,)."""
        return self._costs(self._rows(parameters, len(samples)), samples)

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
        return self._costs(self._coded((own, lower, upper), signs, codes), samples)

    def _rows(self, parameters: Float64, count: int) -> tuple[NDArray[Any], ...]:
        """What `present` takes for parameters (n, P) or (1, P)."""
        if len(parameters) == 1:
            one = parameters[0].astype(self._type)
            return self._no_rows, one, one, one, np.zeros(count, np.int8), self._no_codes
        none = self._none
        return _plain(parameters), none, none, none, _NO_SIGNS, self._no_codes

    def _coded(
        self,
        values: tuple[Float64, Float64, Float64],
        signs: NDArray[np.int8],
        codes: NDArray[np.uint8],
    ) -> tuple[NDArray[Any], ...]:
        """What `present` takes for codes of bits."""
        own, lower, upper = (value.astype(self._type, copy=False) for value in values)
        return self._no_rows, own, lower, upper, _plain(signs), _plain(codes)

    def _outputs_of(self, known: tuple[NDArray[Any], ...], samples: NDArray[np.uint32]) -> Float64:
        return self._run(known, _plain(samples), self._inputs, self._targets, squares=False)[0]

    def _costs(self, known: tuple[NDArray[Any], ...], samples: NDArray[np.uint32]) -> Float64:
        squares = self._cost.kind == "mse"
        outputs, costs = self._run(
            known, _plain(samples), self._inputs, self._targets, squares=squares
        )
        if squares:
            return costs
        # Exponentials of NumPy, as on a host that computes the cost itself: the same bits.
        with np.errstate(all="ignore"):
            return self._cost(outputs, self._targets.take(samples, axis=0))

    def _run(
        self,
        known: tuple[NDArray[Any], ...],
        samples: NDArray[np.uint32],
        inputs: Float32,
        targets: Float32,
        *,
        squares: bool,
    ) -> tuple[Float64, Float64]:
        """Outputs and costs of all presentations, a part at a time."""
        count = len(samples)
        outputs, costs = np.empty((count, self._outputs)), np.empty(count)
        plan = self._plan

        def some(first: int, last: int) -> None:
            memory, formed = self._take()
            self._present(
                plan.rows,
                plan.layout,
                self._variation,
                first,
                last,
                *known,
                samples,
                inputs,
                targets,
                squares,
                outputs,
                costs,
                memory,
                formed,
            )
            self._spare.append((memory, formed))

        threads = min(self._threads, count, count * self._work // _WORTH_A_THREAD)
        if threads < 2:
            some(0, count)
        else:
            self._together(some, count, threads)
        return outputs, costs

    def _together(self, some: Callable[[int, int], None], count: int, threads: int) -> None:
        """Parts of a block in threads; each takes the next part when it has done one."""
        length = -(-count // (threads * _PARTS_A_THREAD))
        parts = itertools.count()

        def work() -> None:
            while (first := next(parts) * length) < count:
                some(first, min(first + length, count))

        if self._pool is None:
            self._pool = ThreadPoolExecutor(
                max(1, self._threads - 1), thread_name_prefix="emulated-chip"
            )
        others = [self._pool.submit(work) for _ in range(threads - 1)]
        try:
            work()
        finally:
            for other in others:
                other.result()

    def _take(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Memory of one thread's own; threads come and go."""
        try:
            return self._spare.pop()
        except IndexError:
            kind = self._type
            return np.zeros(self._plan.memory, kind), np.zeros(self._parameters, kind)


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """The array, or a copy where compiled code could not take it, as bytes off a wire."""
    flags = array.flags
    return array if flags.c_contiguous and flags.writeable and flags.aligned else array.copy()


_NO_SIGNS = np.empty(0, np.int8)
_SOURCES = ("dots", "kernels", "sigmoids", "vectors")


@lru_cache(maxsize=2)
def compiled_present(precision: Precision) -> Callable[..., None]:
    """`compiled_kernels.presenter` for numbers of a precision, compiled now or earlier.

    It takes about ten seconds on the first use after an installation; Numba keeps the result beside
    the module, or in the user's cache folder where that cannot be written.
    """
    import numba
    from numba import types

    from sim_instruments import compiled_kernels

    kernel: Any = cast(Any, compiled_kernels).presenter(stamp_of(*_SOURCES))
    number = types.float64 if precision == "float64" else types.float32

    def array(kind: Any, dimensions: int) -> Any:
        return types.Array(kind, dimensions, "C")

    vector, rows = array(number, 1), array(types.float64, 2)
    signature = types.void(
        array(types.int64, 2),
        array(types.int64, 1),
        array(number, 2),
        types.int64,
        types.int64,
        rows,
        vector,
        vector,
        vector,
        array(types.int8, 1),
        array(types.uint8, 2),
        array(types.uint32, 1),
        array(types.float32, 2),
        array(types.float32, 2),
        types.boolean,
        rows,
        array(types.float64, 1),
        vector,
        vector,
    )
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        made: Any = numba.njit(signature, cache=True, **options)(kernel)
    except RuntimeError:
        # Nowhere to keep it: neither beside the module nor in the user's cache folder.
        made = numba.njit(signature, **options)(kernel)
    return cast(Callable[..., None], made)
