"""How θ moves on a compiled chip that learns: estimates, rules and edges, by docs/algorithm.md.

Written out number by number, in the order of operations of `on_chip_learning`: the same bits.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportMissingParameterType=false
# pyright: reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false
# pyright: reportMissingTypeStubs=false, reportMissingTypeArgument=false
# Numba infers these types from its callers' arguments, where annotations would be ignored.

from __future__ import annotations

import math

import numpy as np

from sim_instruments.compiled_codes import glue

SGD, MOMENTUM, ADAM = 0, 1, 2
BASELINE, LAST_COST, MODULATION, BETA1, BETA2 = 0, 1, 2, 3, 4
STEPS, PROJECTED, PRESENTED = 0, 1, 2
"""Places in a state's `numbers` and `counts`."""


@glue
def correlate(modulation, moves, total, is_first):
    """Σ C̃ θ̃ of a window, from 0 on, the product rounded before it is added."""
    if is_first:
        for k in range(len(total)):
            total[k] = 0.0 + modulation * moves[k]
    else:
        for k in range(len(total)):
            total[k] = total[k] + modulation * moves[k]


@glue
def low_pass(program, numbers, cost, is_new_sample, work, filtered):
    """The analog algorithm's high-pass of the cost and low-pass of the gradient."""
    if is_new_sample:
        numbers[MODULATION] = 0.0
    else:
        change = numbers[MODULATION] + cost - numbers[LAST_COST]
        numbers[MODULATION] = program.passed * change
    numbers[LAST_COST] = cost
    modulation, keep, admit = numbers[MODULATION], program.keep, program.admit
    for k in range(len(filtered)):
        product = modulation * work.moves[k] / work.square[k]
        filtered[k] = keep * filtered[k] + product * admit


@glue
def _descend(rate, total, divisor, theta, moved):
    for k in range(len(theta)):
        moved[k] = theta[k] + -rate * (total[k] / divisor[k])


@glue
def _roll(program, rate, total, state, work):
    for k in range(len(total)):
        first = program.momentum * state.first[k] + total[k] / work.divisor[k]
        work.first[k] = first
        work.moved[k] = state.theta[k] + -rate * first


@glue
def _adapt(program, rate, total, state, work):
    rest1, rest2 = 1.0 - program.beta1, 1.0 - program.beta2
    gone1 = 1.0 - state.numbers[BETA1] * program.beta1
    gone2 = 1.0 - state.numbers[BETA2] * program.beta2
    for k in range(len(total)):
        gradient = total[k] / work.divisor[k]
        work.first[k] = program.beta1 * state.first[k] + rest1 * gradient
        work.second[k] = program.beta2 * state.second[k] + rest2 * (gradient * gradient)
    for k in range(len(total)):
        mean, square = work.first[k] / gone1, work.second[k] / gone2
        change = -rate * mean / (math.sqrt(square) + program.epsilon)
        work.moved[k] = state.theta[k] + change


@glue
def round_to_float32(values, sent):
    """θ as it is sent, in float64."""
    for k in range(len(values)):
        sent[k] = np.float64(np.float32(values[k]))


@glue
def _round_and_count(values, sent, lowest, highest):
    """The same, and how many lie beyond the edges."""
    outside = 0
    for k in range(len(values)):
        value = np.float64(np.float32(values[k]))
        sent[k] = value
        outside += 1 - int((value >= lowest[k]) & (value <= highest[k]))
    return outside


@glue
def _project(moved, sent, lowest, highest):
    """Onto the edges; False, and nothing is done, where a value is no finite float32 number."""
    for k in range(len(sent)):
        if not math.isfinite(sent[k]):
            return False
    for k in range(len(moved)):
        raised = moved[k] if moved[k] > lowest[k] else lowest[k]
        moved[k] = raised if raised < highest[k] else highest[k]
    return True


@glue
def _keep(source, target):
    for k in range(len(target)):
        target[k] = source[k]


@glue
def move(program, state, work, rate):
    """θ at the end of a window, and θ as sent; Σ C̃ θ̃ is left to the next window to begin anew.

    False, and nothing is changed, where it may not go there.
    """
    total = state.filtered if program.is_analog else state.total
    if program.rule == SGD:
        _descend(rate, total, work.divisor, state.theta, work.moved)
    elif program.rule == MOMENTUM:
        _roll(program, rate, total, state, work)
    else:
        _adapt(program, rate, total, state, work)
    outside = _round_and_count(work.moved, work.sent, work.lowest, work.highest)
    if outside:
        admitted = program.projects and _project(work.moved, work.sent, work.lowest, work.highest)
        round_to_float32(work.moved if admitted else state.theta, work.sent)
        if not admitted:
            return False
        state.counts[PROJECTED] += outside
    _keep(work.moved, state.theta)
    if program.rule != SGD:
        _keep(work.first, state.first)
    if program.rule == ADAM:
        _keep(work.second, state.second)
        state.numbers[BETA1] *= program.beta1
        state.numbers[BETA2] *= program.beta2
    return True
