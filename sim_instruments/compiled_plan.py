"""A network as the rows of numbers that `compiled_kernels` works through.

Columns of a row: 0 what to do; 1, 2 where inputs begin and outputs go; 3 channels (a length where
shapes do not matter); 4, 5 rows and columns of the input; 6, 7 from one of its rows, and of its
planes, to the next; 8 outputs; 9, 10, 11 rows and columns of the kernel and columns of the output
(pooling: size, rows and columns of the output); 12 sums a plane of outputs; 13, 14 first weight and
bias (activations: first neuron).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.experiment.chain import Shape
from sim_instruments.chain import Stage

CONVOLUTION, MAX_POOL, COMPACT, DENSE = 1, 2, 3, 4
ACTIVATIONS = {"relu": 5, "sigmoid": 6, "tanh": 7, "softmax": 8, "linear": 9}

_COLUMNS = 15
_FIRST_NEURON = 13
# Sums of a plane that are made together, in whole vectors of the processor.
_LANES = 16
# Outputs that are pooled before the next are made.
_AT_ONCE = 4
_ENOUGH = 2**40


@dataclass(frozen=True)
class Plan:
    """What `compiled_kernels.presenter` takes.

    Attributes:
        rows: int64 (layers, 15).
        layout: int64 (4,): where the sample goes, its width, where outputs are, their number.
        memory: numbers to work in.
        multiplications: of one presentation.
    """

    rows: NDArray[np.int64]
    layout: NDArray[np.int64]
    memory: int
    multiplications: int


@dataclass(frozen=True)
class _Signal:
    """Where the numbers between two layers are."""

    at: int
    shape: Shape
    row: int
    plane: int

    @property
    def is_compact(self) -> bool:
        _, rows, columns = self.shape
        return (rows == 1 or self.row == columns) and self.plane == rows * columns


def plan_of(stages: tuple[Stage, ...], *, varied: bool = False) -> Plan:
    """Two places for signals, used in turn, and one for planes that are pooled at once.

    `varied`: each neuron has an activation of its own, so that none can be left out or moved.
    """
    ordered = list(stages) if varied else _exchanged(stages)
    # Once to see how much room it takes, and once with the places that follow from that.
    room = _planned(ordered, _ENOUGH, varied).room
    planner = _planned(ordered, _whole_vectors(room), varied)
    first, signal = stages[0].before, planner.signal
    layout = [0, math.prod(first), signal.at, math.prod(signal.shape)]
    return Plan(
        np.array(planner.rows, np.int64).reshape(-1, _COLUMNS),
        np.array(layout, np.int64),
        2 * _whole_vectors(room) + planner.work + 2 * _LANES,
        sum(_multiplications(stage) for stage in stages),
    )


def _planned(stages: list[Stage], room: int, varied: bool) -> _Planner:
    # No kernel looks further than a sample is large.
    planner = _Planner(stages[0].before, room, math.prod(stages[0].before[1:]), varied)
    waiting: Stage | None = None
    for stage in stages:
        if waiting is not None and stage.layer.kind == "max_pool":
            planner.convolve_and_pool(waiting, stage)
            waiting = None
            continue
        if waiting is not None:
            planner.convolve(waiting)
        waiting = stage if stage.layer.kind == "conv" else None
        if waiting is None:
            planner.add(stage)
    if waiting is not None:
        planner.convolve(waiting)
    planner.compact()
    return planner


def _exchanged(stages: tuple[Stage, ...]) -> list[Stage]:
    """ReLU after the pooling that follows it: the same numbers, of fewer."""
    ordered = list(stages)
    for k in range(len(ordered) - 1):
        if ordered[k].layer.kind == "relu" and ordered[k + 1].layer.kind == "max_pool":
            relu, pool = ordered[k], ordered[k + 1]
            ordered[k] = pool
            ordered[k + 1] = relu._replace(before=pool.after, after=pool.after)
    return ordered


class _Planner:
    def __init__(self, shape: Shape, room: int, reach: int, varied: bool) -> None:
        self.rows: list[list[int]] = []
        self._varied = varied
        self._neurons = 0
        self.room = 0
        self.work = 0
        self._reach = reach
        self._places = (0, room)
        self.signal = self._kept(_compact(0, shape))

    def add(self, stage: Stage) -> None:
        """One layer that is no convolution."""
        match stage.layer.kind:
            case "dense":
                self.compact()
                length, outputs = math.prod(stage.before), stage.after[0]
                row = [DENSE, self.signal.at, self._other, length, 0, 0, 0, 0, outputs]
                self._append([*row, 0, 0, 0, 0, stage.weights, stage.biases], stage.after)
            case "max_pool":
                self._append(
                    [
                        *_head(MAX_POOL, self.signal, self._other),
                        0,
                        stage.layer.size,
                        *stage.after[1:],
                    ],
                    stage.after,
                )
            case "linear" if not self._varied:
                pass
            case kind:
                self._activate(kind)

    def compact(self) -> None:
        """Numbers one after another, if they are not."""
        if not self.signal.is_compact:
            self._append(_head(COMPACT, self.signal, self._other), self.signal.shape)

    def _activate(self, kind: str) -> None:
        if kind != "relu" or self._varied:
            self.compact()
        channels = self.signal.shape[0]
        length = channels * self.signal.plane
        row = _padded([ACTIVATIONS[kind], self.signal.at, self.signal.at, length])
        row[_FIRST_NEURON] = self._neurons
        self.rows.append(row)
        if kind != "softmax":
            self._neurons += length

    def convolve(self, stage: Stage) -> None:
        """All outputs of a convolution."""
        self._convolve(stage, 0, stage.after[0], self._other)
        self.signal = self._kept(self._sums(stage, stage.after[0], self._other))

    def convolve_and_pool(self, stage: Stage, pool: Stage) -> None:
        """A few outputs after another: their sums are still in the processor's first cache."""
        outputs, (_, rows, columns) = stage.after[0], pool.after
        work = 2 * self._places[1]
        for first in range(0, outputs, _AT_ONCE):
            count = min(_AT_ONCE, outputs - first)
            self._convolve(stage, first, count, work)
            sums = self._sums(stage, count, work)
            self.work = max(self.work, count * sums.plane)
            target = self._other + first * rows * columns
            row = [*_head(MAX_POOL, sums, target), 0, pool.layer.size, rows, columns]
            self.rows.append(_padded(row))
        self.signal = self._kept(_compact(self._other, pool.after))

    def _convolve(self, stage: Stage, first: int, count: int, target: int) -> None:
        weights, biases = stage.layer.weights_and_biases(stage.before)
        row = _head(CONVOLUTION, self.signal, target)
        row += [count, *stage.layer.kernel, 0, self._sums(stage, count, target).plane]
        row += [stage.weights + first * (weights // biases), stage.biases + first]
        self.rows.append(_padded(row))

    def _sums(self, stage: Stage, outputs: int, at: int) -> _Signal:
        _, rows, columns = stage.after
        sums = _whole_vectors((rows - 1) * self.signal.row + columns)
        return _Signal(at, (outputs, rows, columns), self.signal.row, sums)

    @property
    def _other(self) -> int:
        first, second = self._places
        return second if self.signal.at == first else first

    def _append(self, row: list[int], after: Shape) -> None:
        self.rows.append(_padded(row))
        self.signal = self._kept(_compact(self._other, after))

    def _kept(self, signal: _Signal) -> _Signal:
        """Sums in whole vectors read on beyond the end of the last plane."""
        beyond = _LANES + self._reach
        self.room = max(self.room, signal.shape[0] * signal.plane + beyond)
        return signal


def _head(what: int, signal: _Signal, target: int) -> list[int]:
    return [what, signal.at, target, *signal.shape, signal.row, signal.plane]


def _padded(row: list[int]) -> list[int]:
    return row + [0] * (_COLUMNS - len(row))


def _compact(at: int, shape: Shape) -> _Signal:
    return _Signal(at, shape, shape[2], shape[1] * shape[2])


def _whole_vectors(count: int) -> int:
    return -(-count // _LANES) * _LANES


def _multiplications(stage: Stage) -> int:
    weights, _ = stage.layer.weights_and_biases(stage.before)
    return weights * stage.after[1] * stage.after[2]
