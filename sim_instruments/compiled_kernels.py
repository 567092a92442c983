"""What many presentations give, compiled: each by the same scalar sequence, whoever its neighbours.

Only `presenter` is called from outside. One machine code serves every network, every way of giving
parameters and any number of threads, so none of them can change a bit. Sums of products run in an
order that the lengths alone decide: `compiled_vectors` and `compiled_dots` write their vectors out,
as `compiled_sigmoids` does.

Nothing here checks bounds: `compiled_plan` lays out the memory.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportMissingParameterType=false
# pyright: reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false
# pyright: reportMissingTypeStubs=false, reportMissingTypeArgument=false, reportCallIssue=false
# Numba infers these types from the arguments of `present`, where annotations would be ignored, and
# hands the first argument of an intrinsic over by itself.

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba

from sim_instruments.compiled_dots import densely
from sim_instruments.compiled_sigmoids import LANES, sigmoids
from sim_instruments.compiled_vectors import (
    VECTOR_BYTES,
    add_up_1x1,
    add_up_4x1,
    add_up_4x3,
    choose_eight,
    pool_pairs,
)

CONVOLUTION, MAX_POOL, COMPACT, DENSE = 1, 2, 3, 4
RELU, SIGMOID, TANH, SOFTMAX, LINEAR = 5, 6, 7, 8, 9
"""First column of a plan's rows; `compiled_plan` says what the other columns mean."""

_OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "boundscheck": False,
    "no_cpython_wrapper": True,
}
inner = numba.njit(**_OPTIONS)
# Written into what calls it: a call that passes arrays takes as long as a small layer.
here = numba.njit(**_OPTIONS, inline="always")


@inner
def form(lower, upper, codes, n, inverted, parameters):
    """θ + θ̃: of each parameter the lower or the upper value, as its bit says."""
    whole = len(parameters) // 8
    for byte in range(whole):
        choose_eight(lower, upper, codes[n, byte] ^ inverted, parameters, 8 * byte)
    for k in range(8 * whole, len(parameters)):
        bits = codes[n, whole] ^ inverted
        parameters[k] = upper[k] if (bits >> (k - 8 * whole)) & 1 else lower[k]


@inner
def convolve(memory, row, parameters):
    """Whole planes at once; sums that straddle two rows are made, too, and never read."""
    source, target, channels, width, plane = row[1], row[2], row[3], row[6], row[7]
    outputs, high, wide, sums = row[8], row[9], row[10], row[12]
    each = channels * high * wide
    lanes = VECTOR_BYTES // memory.itemsize
    o = 0
    while o < outputs:
        together = 4 if o + 4 <= outputs else 1
        k, bias, out = row[13] + o * each, row[14] + o, target + o * sums
        p = 0
        while p < sums:
            at, to, w = source + p, out + p, parameters
            if together == 1:
                add_up_1x1(
                    memory, at, plane, width, channels, high, wide, w, k, each, bias, to, sums
                )
                p += lanes
            elif p + 3 * lanes <= sums:
                add_up_4x3(
                    memory, at, plane, width, channels, high, wide, w, k, each, bias, to, sums
                )
                p += 3 * lanes
            else:
                add_up_4x1(
                    memory, at, plane, width, channels, high, wide, w, k, each, bias, to, sums
                )
                p += lanes
        o += together


@inner
def larger(a, b):
    """The larger of two, NaN where one is."""
    return a if a > b or a != a else b


@inner
def pool_windows(memory, begin, width, size, found):
    """The largest of windows of any size."""
    for c in range(len(found)):
        largest = memory[begin + c * size]
        for k in range(size):
            for m in range(size):
                largest = larger(largest, memory[begin + k * width + c * size + m])
        found[c] = largest


@inner
def pool(memory, row):
    """The largest of each window."""
    source, target, width, size = row[1], row[2], row[6], row[9]
    rows, columns = row[10], row[11]
    lanes = VECTOR_BYTES // memory.itemsize
    for i in range(row[3]):
        for r in range(rows):
            out = target + (i * rows + r) * columns
            found = memory[out : out + columns]
            begin = source + i * row[7] + r * size * width
            if size == 2:
                # What goes beyond a row's end is overwritten by the next.
                for c in range(0, columns, lanes):
                    pool_pairs(memory, begin + 2 * c, width, out + c)
            else:
                pool_windows(memory, begin, width, size, found)


@inner
def compact(memory, row):
    """Rows and planes one after another, without what lay between them."""
    at = row[2]
    for i in range(row[3]):
        for r in range(row[4]):
            begin = row[1] + i * row[7] + r * row[6]
            for c in range(row[5]):
                memory[at] = memory[begin + c]
                at += 1


@here
def some_sigmoids(memory, at, length):
    """In place; what lies beyond the end is overwritten, too: no signal is there."""
    for k in range(at, at + length, LANES):
        sigmoids(memory, k)


@inner
def activate(function, memory, at, length):
    """In place; NaN stays NaN."""
    if function == RELU:
        for k in range(at, at + length):
            memory[k] = memory.dtype.type(0) if memory[k] < 0 else memory[k]
    elif function == SIGMOID:
        some_sigmoids(memory, at, length)
    elif function == TANH:
        for k in range(at, at + length):
            memory[k] = math.tanh(memory[k])
    else:
        largest = memory[at]
        for k in range(at + 1, at + length):
            if memory[k] > largest or memory[k] != memory[k]:
                largest = memory[k]
        total = memory.dtype.type(0)
        for k in range(at, at + length):
            memory[k] = math.exp(memory[k] - largest)
            total += memory[k]
        for k in range(at, at + length):
            memory[k] /= total


@inner
def vary(function, memory, at, length, first, variation):
    """L f(k (a − x0)) + y0 in place, for neurons from `first` on; softmax is no neuron."""
    if function == SOFTMAX or variation.shape[1] == 0:
        activate(function, memory, at, length)
        return
    for j in range(length):
        memory[at + j] = variation[1, first + j] * (memory[at + j] - variation[2, first + j])
    if function != LINEAR:
        activate(function, memory, at, length)
    for j in range(length):
        memory[at + j] = variation[0, first + j] * memory[at + j] + variation[3, first + j]


@inner
def transform(plan, k, memory, parameters, variation):
    """One row of the plan that is not dense."""
    what = plan[k, 0]
    if what == CONVOLUTION:
        convolve(memory, plan[k], parameters)
    elif what == MAX_POOL:
        pool(memory, plan[k])
    elif what == COMPACT:
        compact(memory, plan[k])
    else:
        vary(what, memory, plan[k, 1], plan[k, 3], plan[k, 13], variation)


@here
def layer(plan, k, memory, parameters, variation):
    """One row of the plan."""
    what = plan[k, 0]
    if what == DENSE:
        weights, biases = plan[k, 13], plan[k, 14]
        densely(memory, plan[k, 1], plan[k, 2], parameters, weights, biases, plan[k, 3], plan[k, 8])
    elif what == SIGMOID and variation.shape[1] == 0:
        some_sigmoids(memory, plan[k, 1], plan[k, 3])
    else:
        transform(plan, k, memory, parameters, variation)


@here
def propagate(plan, memory, parameters, variation):
    """One presentation, from the input in memory to the outputs there.

    `variation` (4, neurons) holds L, k, x0, y0 of every neuron; (4, 0) where all are alike.
    """
    for k in range(len(plan)):
        layer(plan, k, memory, parameters, variation)


@here
def propagate_two(plan, memory, parameters, second_memory, second_parameters, variation):
    """Two presentations, layer by layer: while one waits for its sums, the processor does other."""
    for k in range(len(plan)):
        layer(plan, k, memory, parameters, variation)
        layer(plan, k, second_memory, second_parameters, variation)


def presenter(stamp: int) -> Callable[..., None]:
    """`present`, to be compiled; Numba takes what it has kept for the same stamp only."""

    # fmt: off (a line an argument would be twenty)
    def present(
        plan,
        layout,
        variation,
        first,
        last,
        parameters,
        theta,
        lower,
        upper,
        signs,
        codes,
        samples,
        inputs,
        targets,
        squares,
        outputs,
        costs,
        memory,
        formed,
    ):
        # fmt: on
        """Presentations `first` … `last − 1`: outputs; where `squares` mean squared errors, too.

        `plan` and `layout` are those of `compiled_plan`, `variation` that of `propagate`. Of each
        presentation `parameters` are float64 (n, P), or (0, P) where they come as packed `codes`,
        uint8 (n, ⌈P/8⌉): then `theta` (P,) is for sign 0, and `lower` and `upper` (P,) for bits of
        0 and of 1, the other way round for sign −1. `samples`, uint32 (n,), are rows of inputs
        float32 (N, I) and targets float32 (N, O). Filled are `outputs` float64 (n, O) and, where
        `squares`, `costs` float64 (n,). `memory`, and `formed` (P,), are to work in.
        """
        if stamp < 0:
            return
        at, width, found, count = layout[0], layout[1], layout[2], layout[3]
        holds_theta = False
        # Numbers one by one, and no rows: each row taken would be counted as a reference, by an
        # atomic operation, and that takes longer than a small network.
        for n in range(first, last):
            sample = samples[n]
            for k in range(width):
                memory[at + k] = inputs[sample, k]
            if len(parameters):
                for k in range(len(formed)):
                    formed[k] = parameters[n, k]
            elif signs[n] == 0:
                if not holds_theta:
                    formed[:] = theta
                holds_theta = True
            else:
                form(lower, upper, codes, n, 255 if signs[n] < 0 else 0, formed)
                holds_theta = False
            propagate(plan, memory, formed, variation)
            for o in range(count):
                outputs[n, o] = memory[found + o]
            if squares:
                # As `mgd_lab.costs` adds it, bit for bit.
                total = 0.0
                for o in range(count):
                    difference = outputs[n, o] - targets[sample, o]
                    total += difference * difference
                costs[n] = total / count

    return present
