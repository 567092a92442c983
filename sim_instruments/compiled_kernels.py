"""What many presentations give, compiled: each by the same scalar sequence, whoever its neighbours.

Only `present` is called from outside. One machine code serves every network, every way of giving
parameters and any number of threads, so none of them can change a bit. Sums of products run in an
order that the lengths alone decide: convolutions write their vectors out, and only `dot` lets the
compiler choose an order, once, when it is compiled.

Nothing here checks bounds: `compiled_plan` lays out the memory. Numba compiles again what it has
kept when this file changes; after a change to `compiled_vectors` alone, this one must be saved too.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportMissingParameterType=false
# pyright: reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false
# pyright: reportMissingTypeStubs=false, reportMissingTypeArgument=false, reportCallIssue=false
# Numba infers these types from the arguments of `present`, where annotations would be ignored, and
# hands the first argument of an intrinsic over by itself.

from __future__ import annotations

import math

import numba

from sim_instruments.compiled_vectors import (
    VECTOR_BYTES,
    add_up_1x1,
    add_up_4x1,
    add_up_4x3,
    choose_eight,
    pool_pairs,
)

CONVOLUTION, MAX_POOL, COMPACT, DENSE = 1, 2, 3, 4
RELU, SIGMOID, TANH, SOFTMAX = 5, 6, 7, 8
"""First column of a plan's rows; `compiled_plan` says what the other columns mean."""

inner = numba.njit(error_model="numpy", boundscheck=False)
reordering = numba.njit(
    error_model="numpy", boundscheck=False, fastmath={"reassoc", "contract", "nsz"}
)


@reordering
def dot(a, b):
    """Σ a b."""
    total = a.dtype.type(0)
    for k in range(len(a)):
        total += a[k] * b[k]
    return total


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


@inner
def densely(memory, row, parameters):
    """W x + b."""
    length = row[3]
    inputs = memory[row[1] : row[1] + length]
    for o in range(row[8]):
        weights = parameters[row[13] + o * length : row[13] + (o + 1) * length]
        memory[row[2] + o] = dot(weights, inputs) + parameters[row[14] + o]


@inner
def activate(function, values):
    """In place; NaN stays NaN."""
    one = values.dtype.type(1)
    if function == RELU:
        for k in range(len(values)):
            values[k] = values.dtype.type(0) if values[k] < 0 else values[k]
    elif function == SIGMOID:
        for k in range(len(values)):
            values[k] = one / (one + math.exp(-values[k]))
    elif function == TANH:
        for k in range(len(values)):
            values[k] = math.tanh(values[k])
    else:
        largest = values[0]
        for k in range(1, len(values)):
            if values[k] > largest or values[k] != values[k]:
                largest = values[k]
        total = values.dtype.type(0)
        for k in range(len(values)):
            values[k] = math.exp(values[k] - largest)
            total += values[k]
        for k in range(len(values)):
            values[k] /= total


@inner
def propagate(plan, memory, parameters):
    """One presentation, from the input in memory to the outputs there."""
    for k in range(len(plan)):
        row = plan[k]
        if row[0] == CONVOLUTION:
            convolve(memory, row, parameters)
        elif row[0] == MAX_POOL:
            pool(memory, row)
        elif row[0] == COMPACT:
            compact(memory, row)
        elif row[0] == DENSE:
            densely(memory, row, parameters)
        else:
            activate(row[0], memory[row[1] : row[1] + row[3]])


def present(
    plan,
    layout,
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
    """Presentations `first` … `last − 1`: outputs, and where `squares` their mean squared errors.

    `plan` and `layout` are those of `compiled_plan`. Parameters are float64 (n, P), those of each
    presentation, or (0, P) where they come as packed `codes`, uint8 (n, ⌈P/8⌉): then `theta` (P,)
    is for sign 0, and `lower` and `upper` (P,) for bits of 0 and of 1, the other way round for sign
    −1. `samples`, uint32 (n,), are rows of inputs float32 (N, I) and targets float32 (N, O).
    Filled are `outputs` float64 (n, O) and, where `squares`, `costs` float64 (n,). `memory`, and
    `formed` (P,), are to work in.
    """
    at, width, found, count = layout[0], layout[1], layout[2], layout[3]
    holds_theta = False
    # Numbers one by one, and no rows: each row taken would be counted as a reference, by an atomic
    # operation, and that takes longer than a small network.
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
        propagate(plan, memory, formed)
        for o in range(count):
            outputs[n, o] = memory[found + o]
        if squares:
            # As `mgd_lab.costs` adds it, bit for bit.
            total = 0.0
            for o in range(count):
                difference = outputs[n, o] - targets[sample, o]
                total += difference * difference
            costs[n] = total / count
