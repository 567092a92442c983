"""Whole windows of a chip that learns, in one call of compiled code.

`learn` stops before whatever it cannot do just as the loop in Python does, and says so: that loop
then goes on from the same state, and raises what is to be raised.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportMissingParameterType=false
# pyright: reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false
# pyright: reportMissingTypeStubs=false, reportMissingTypeArgument=false
# Numba infers these types from the arguments of `learn`, where annotations would be ignored.

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from sim_instruments.compiled_codes import (
    RANDOM,
    SEQUENTIAL,
    WALSH,
    glue,
    random_code,
    sequential_move,
    sinusoidal_move,
    walsh_code,
)
from sim_instruments.compiled_kernels import form, propagate, propagate_two
from sim_instruments.compiled_updates import (
    BASELINE,
    MODULATION,
    PRESENTED,
    STEPS,
    correlate,
    low_pass,
    move,
    round_to_float32,
)

form_here = glue(cast(Any, form).py_func)

NONE, MEASURED, PAIRED = 0, 1, 2
DONE, AGAIN, REFUSED = 0, 1, 2
"""What `learn` returns: it went on; Python must do what comes next; an update was refused."""

MOST_STEPS = 512
"""Steps that are undone together where one of their costs is no number."""


@glue
def is_within(sent, wide, low, high):
    """Whether the chip's own limits let all of θ ± amplitude pass."""
    outside = 0
    for k in range(len(sent)):
        lower, upper = sent[k] - wide[k], sent[k] + wide[k]
        outside += 1 - int((lower >= low[k]) & (upper <= high[k]))
    return outside == 0


@glue
def make_code(program, index, work):
    """θ̃ of a code, float64 of float32 numbers."""
    if program.kind == RANDOM or program.kind == WALSH:
        if program.kind == RANDOM:
            random_code(program.seed, index, work.codes)
        else:
            walsh_code(index, program.order, work.codes)
        form_here(work.negative, work.wide, work.codes, 0, 0, work.moves)
    elif program.kind == SEQUENTIAL:
        sequential_move(index, work.amplitudes, work.moves)
    else:
        sinusoidal_move(index, work.table, work.amplitudes, work.moves)


@glue
def add(sent, moves, sign, parameters):
    """θ + θ̃ or θ − θ̃, added in float64."""
    if sign > 0:
        for k in range(len(sent)):
            parameters[k] = sent[k] + moves[k]
    else:
        for k in range(len(sent)):
            parameters[k] = sent[k] - moves[k]


@glue
def load(inputs, sample, memory, at):
    """A sample's inputs, where the network finds them."""
    # Unsigned, since Numba counts a negative place from the end.
    begin = np.uint64(at)
    for k in range(inputs.shape[1]):
        memory[begin + np.uint64(k)] = inputs[sample, k]


@glue
def squares(memory, layout, targets, sample):
    """The mean squared error, as `mgd_lab.costs` adds it."""
    found, count = layout[2], layout[3]
    total = 0.0
    for o in range(count):
        difference = np.float64(memory[found + o]) - targets[sample, o]
        total += difference * difference
    return total / count


@glue
def costs_of(network, parameters, against, is_double, samples, draw, batch):
    """Costs of θ + θ̃ and, where `is_double`, of what it is compared with; whether all are finite.

    Each over the batch, added from left to right.
    """
    n = network
    total, other, fine = 0.0, 0.0, True
    for b in range(batch):
        sample = samples[draw + b]
        load(n.inputs, sample, n.memory, n.layout[0])
        if is_double:
            load(n.inputs, sample, n.second, n.layout[0])
            propagate_two(n.plan, n.memory, parameters, n.second, against, n.variation)
            cost = squares(n.second, n.layout, n.targets, sample)
            fine = fine and math.isfinite(cost)
            other = other + cost if b else cost
        else:
            propagate(n.plan, n.memory, parameters, n.variation)
        cost = squares(n.memory, n.layout, n.targets, sample)
        fine = fine and math.isfinite(cost)
        total = total + cost if b else cost
    return (total / batch, other / batch, fine) if batch > 1 else (total, other, fine)


@glue
def step_once(program, network, state, work, samples, draw, new):
    """Presents a step and correlates; False, and nothing is learnt, where a cost is no number.

    `new`: the window, the sample, and whether there is nothing yet to compare a cost with.
    """
    is_first, is_new_sample, starts_anew = new
    paired = program.baseline == PAIRED
    against = work.minus if paired else work.plain
    is_double = paired or starts_anew
    found = costs_of(network, work.plus, against, is_double, samples, draw, program.batch)
    cost, other, fine = found
    work.counted[0] += 2 * program.batch if is_double else program.batch
    if not fine:
        return False
    if program.is_analog:
        low_pass(program, state.numbers, cost, is_new_sample, work, state.filtered)
    elif paired:
        correlate((cost - other) * 0.5, work.moves, state.total, is_first)
    else:
        if starts_anew:
            state.numbers[BASELINE] = other
        correlate(cost - state.numbers[BASELINE], work.moves, state.total, is_first)
    return True


@glue
def begin(state, work, is_whole):
    """Notes what is undone where a cost is no number."""
    for k in range(BASELINE, MODULATION + 1):
        work.numbers[k] = state.numbers[k]
    if not is_whole:
        for k in range(len(state.total)):
            work.total[k] = state.total[k]
    work.counted[0] = 0


@glue
def undo(state, work, is_whole):
    """Back to what `begin` noted, and to Σ C̃ θ̃ of then: 0 where a window began."""
    for k in range(BASELINE, MODULATION + 1):
        state.numbers[k] = work.numbers[k]
    for k in range(len(state.total)):
        state.total[k] = 0.0 if is_whole else work.total[k]


@glue
def is_anew(program, since_update, since_sample):
    """Whether a step begins with a baseline: nothing measured before is comparable."""
    if program.baseline != MEASURED:
        return False
    old = min(since_update, since_sample)
    return old % program.refresh == 0 if program.refresh else old == 0


@glue
def present_steps(program, network, state, work, samples, place, count):
    """`count` steps of one θ, and `place` after them; False where a cost is no number."""
    since_update, since_sample, since_code = place[0], place[1], place[2]
    index, draw, is_coded, is_added = place[3], place[4], place[5], 0
    for _ in range(count):
        if since_code == 0 or not is_coded:
            make_code(program, index, work)
            is_coded, is_added = 1, 0
        if not is_added:
            add(work.sent, work.moves, 1, work.plus)
            if program.baseline == PAIRED:
                add(work.sent, work.moves, -1, work.minus)
            is_added = 1
        anew = is_anew(program, since_update, since_sample)
        new = (since_update == 0, since_sample == 0, anew)
        if not step_once(program, network, state, work, samples, draw, new):
            return False
        since_update, since_sample, since_code = since_update + 1, since_sample + 1, since_code + 1
        if since_sample == program.tau_x:
            since_sample, draw = 0, draw + program.batch
        if since_code == program.tau_p:
            since_code, index = 0, index + 1
    place[0] = 0 if since_update == program.window else since_update
    place[1], place[2] = since_sample, since_code
    place[3], place[4], place[5] = index, draw, is_coded
    return True


@glue
def copy(source, target):
    """Number by number, into numbers of any precision."""
    for k in range(len(target)):
        target[k] = source[k]


def learner(stamp: int) -> Callable[..., int]:
    """The loop, to be compiled; Numba takes what it has kept for the same stamp only."""

    def learn(program, network, state, work, samples, rates, place, limited, last, target):
        """Steps until one is due at or after `last`, or `target`; θ is constant in each stretch.

        `samples` are draws from the present step's on, uint32; `rates` those of the next updates,
        or one for all; `place` int64 (6,): steps since update, sample and code were new, the code's
        index, first draw, and whether `work` holds the code. `limited`: judge θ ± amplitude.
        """
        update = 0
        if stamp < 0:
            return AGAIN
        round_to_float32(state.theta, work.sent)
        while state.counts[STEPS] < min(last, target):
            step, is_whole = state.counts[STEPS], place[0] == 0
            count = min(target - step, program.window - place[0], MOST_STEPS)
            if limited and not is_within(work.sent, work.wide, work.low, work.high):
                return AGAIN
            if program.is_narrow:
                copy(work.sent, work.plain)
            if limited or step + count >= min(last, target):
                copy(work.sent, work.shown)
            begin(state, work, is_whole)
            if not present_steps(program, network, state, work, samples, place, count):
                undo(state, work, is_whole)
                return AGAIN
            state.counts[STEPS] = step + count
            state.counts[PRESENTED] += work.counted[0]
            if place[0] == 0:
                rate = rates[min(update, len(rates) - 1)]
                update += 1
                if not move(program, state, work, rate):
                    copy(work.sent, work.shown)
                    return REFUSED
        return DONE

    return learn
