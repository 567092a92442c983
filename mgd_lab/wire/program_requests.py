"""Requests of chips that make probes, or learn, by themselves.

The kinds, orders, baselines, algorithms, rules and schedules are numbered as they stand in the
tuples below; the numbers are part of the protocol.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import LearningProgram, ProbeProgram, snapshot_length
from mgd_lab.codes import Kind, Order
from mgd_lab.errors import LinkError
from mgd_lab.wire.bodiless import Bodiless
from mgd_lab.wire.envelope import HEADER, HEADER_BYTES, THETA_FOLLOWS, Header, Opcode, Widths, seal

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
T = TypeVar("T")

KINDS: tuple[Kind, ...] = ("sequential", "random", "walsh", "sinusoidal")
ORDERS: tuple[Order, ...] = ("shuffled", "random", "cyclic")
ON_UPDATE: tuple[Literal["refuse", "project"], ...] = ("refuse", "project")
BASELINES: tuple[Literal["measured", "paired", "none"], ...] = ("measured", "paired", "none")
ALGORITHMS: tuple[Literal["discrete", "analog"], ...] = ("discrete", "analog")
RULES: tuple[Literal["sgd", "momentum", "adam"], ...] = ("sgd", "momentum", "adam")
RATES: tuple[Literal["constant", "cosine", "linear", "exponential"], ...] = (
    "constant",
    "cosine",
    "linear",
    "exponential",
)

_PLACE = struct.Struct("<QII")
# kind, order, baseline, 0, batch, seed, tau_p, tau_x, tau_theta, refresh, samples, 0
_PROBES = struct.Struct("<BBBBIQQQQQII")
# algorithm, rule, rate kind, on_update, 0, scale_by, rate_steps, then eight float64
_LEARNING = struct.Struct("<BBBBIQQ8d")
_STEP = struct.Struct("<Q")
# θ, lowest, highest in float64 and amplitudes in float32: so many bytes a parameter.
_LEARNING_BYTES_A_PARAMETER = 28


@dataclass(frozen=True, slots=True, eq=False)
class Generated:
    """θ float32 (P,) or None, and the place of the first of `count` probes → costs (count,)."""

    opcode: ClassVar[Opcode] = Opcode.GENERATED
    theta_number: int
    theta: Float32 | None
    first_step: int
    skip: int
    count: int

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        theta = self.theta
        flags = 0 if theta is None else THETA_FOLLOWS
        return seal(
            HEADER.pack(sequence, self.opcode, flags, 0, self.theta_number, self.count),
            b"" if theta is None else theta.tobytes(),
            _PLACE.pack(self.first_step, self.skip, 0),
        )

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:
        """Length that the header gives the body."""
        return _PLACE.size + (4 * widths.parameters if header.theta_follows else 0)

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:
        """The request in sealed data whose length and seal have been checked."""
        theta, at = None, HEADER_BYTES
        if header.theta_follows:
            theta = np.frombuffer(data, np.float32, widths.parameters, at)
            at += 4 * widths.parameters
        first_step, skip, reserved = _PLACE.unpack_from(data, at)
        if reserved:
            raise LinkError("the request GENERATED has a reserved field that is not 0")
        return cls(header.theta_number, theta, first_step, skip, header.count)


@dataclass(frozen=True, slots=True, eq=False)
class ConfigureProbes:
    """The program of the requests `Generated` that follow; acknowledged without results."""

    opcode: ClassVar[Opcode] = Opcode.CONFIGURE_PROBES
    program: ProbeProgram

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        amplitudes = self.program.amplitudes
        return seal(
            HEADER.pack(sequence, self.opcode, 0, 0, 0, len(amplitudes)),
            _pack_probes(self.program),
            amplitudes.tobytes(),
        )

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:  # noqa: ARG004
        """Length that the header gives the body."""
        return _PROBES.size + 4 * header.count

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:  # noqa: ARG003
        """The request in sealed data whose length and seal have been checked."""
        at = HEADER_BYTES + _PROBES.size
        amplitudes = np.frombuffer(data, np.float32, header.count, at)
        return cls(_unpack_probes(data, HEADER_BYTES, amplitudes))


@dataclass(frozen=True, slots=True, eq=False)
class ConfigureLearning:
    """A training that the chip does by itself, from step 0 and θ float64 (P,)."""

    opcode: ClassVar[Opcode] = Opcode.CONFIGURE_LEARNING
    program: LearningProgram
    theta: Float64

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        program = self.program
        learning = _LEARNING.pack(
            ALGORITHMS.index(program.algorithm),
            RULES.index(program.rule),
            RATES.index(program.rate_kind),
            ON_UPDATE.index(program.on_update),
            0,
            program.scale_by,
            program.rate_steps,
            program.tau_hp,
            program.tau_theta_filter,
            program.momentum,
            program.beta1,
            program.beta2,
            program.epsilon,
            program.rate,
            program.final_fraction,
        )
        return seal(
            HEADER.pack(sequence, self.opcode, 0, 0, 0, len(self.theta)),
            _pack_probes(program.probes),
            learning,
            self.theta.tobytes(),
            program.lowest.tobytes(),
            program.highest.tobytes(),
            program.probes.amplitudes.tobytes(),
        )

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:  # noqa: ARG004
        """Length that the header gives the body."""
        return _PROBES.size + _LEARNING.size + _LEARNING_BYTES_A_PARAMETER * header.count

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:  # noqa: ARG003
        """The request in sealed data whose length and seal have been checked."""
        at = HEADER_BYTES + _PROBES.size
        fields = _LEARNING.unpack_from(data, at)
        at += _LEARNING.size
        P = header.count
        theta, lowest, highest = np.frombuffer(data, np.float64, 3 * P, at).reshape(3, P)
        amplitudes = np.frombuffer(data, np.float32, P, at + 24 * P)
        algorithm, rule, rate_kind, on_update, reserved, scale_by, rate_steps = fields[:7]
        if reserved or not np.isfinite(fields[7:]).all() or not np.isfinite(theta).all():
            raise LinkError("the request CONFIGURE_LEARNING holds a number that it may not hold")
        if not (_is_float32(lowest) and _is_float32(highest) and (lowest <= highest).all()):
            raise LinkError(
                "the request CONFIGURE_LEARNING has edges that are no float32 numbers in order"
            )
        if scale_by < 1 or rate_steps < 1:
            raise LinkError("the request CONFIGURE_LEARNING divides by 0")
        numbers = [float(value) for value in fields[7:]]
        program = LearningProgram(
            probes=_unpack_probes(data, HEADER_BYTES, amplitudes),
            algorithm=_pick(ALGORITHMS, algorithm, "algorithm"),
            tau_hp=numbers[0],
            tau_theta_filter=numbers[1],
            rule=_pick(RULES, rule, "rule"),
            momentum=numbers[2],
            beta1=numbers[3],
            beta2=numbers[4],
            epsilon=numbers[5],
            scale_by=scale_by,
            rate=numbers[6],
            rate_kind=_pick(RATES, rate_kind, "schedule"),
            rate_steps=rate_steps,
            final_fraction=numbers[7],
            lowest=lowest,
            highest=highest,
            on_update=_pick(ON_UPDATE, on_update, "on_update"),
        )
        return cls(program, theta)


@dataclass(frozen=True, slots=True, eq=False)
class Advance:
    """Learn until `step` steps have been done in all; acknowledged when they have been."""

    opcode: ClassVar[Opcode] = Opcode.ADVANCE
    step: int

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        return seal(HEADER.pack(sequence, self.opcode, 0, 0, 0, 0), _STEP.pack(self.step))

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:  # noqa: ARG004
        """Length that the header gives the body."""
        return _STEP.size

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:  # noqa: ARG003
        """The request in sealed data whose length and seal have been checked."""
        return cls(_STEP.unpack_from(data, HEADER_BYTES)[0])


@dataclass(frozen=True, slots=True)
class Snapshot(Bodiless):
    """The state of a training → float64 (`snapshot_length(P)`,)."""

    opcode: ClassVar[Opcode] = Opcode.SNAPSHOT


@dataclass(frozen=True, slots=True, eq=False)
class Restore:
    """A snapshot that the training goes on from."""

    opcode: ClassVar[Opcode] = Opcode.RESTORE
    snapshot: Float64

    def encode(self, sequence: int) -> bytes:
        """The sealed request."""
        return seal(HEADER.pack(sequence, self.opcode, 0, 0, 0, 0), self.snapshot.tobytes())

    @staticmethod
    def body_bytes(header: Header, widths: Widths) -> int:  # noqa: ARG004
        """Length that the header gives the body."""
        return 8 * snapshot_length(widths.parameters)

    @classmethod
    def decode(cls, data: bytes, header: Header, widths: Widths) -> Self:  # noqa: ARG003
        """The request in sealed data whose length and seal have been checked."""
        length = snapshot_length(widths.parameters)
        return cls(np.frombuffer(data, np.float64, length, HEADER_BYTES))


def _pack_probes(program: ProbeProgram) -> bytes:
    return _PROBES.pack(
        KINDS.index(program.kind),
        ORDERS.index(program.order),
        BASELINES.index(program.baseline),
        0,
        program.batch,
        program.seed,
        program.tau_p,
        program.tau_x,
        program.tau_theta,
        program.baseline_refresh_steps,
        program.samples,
        0,
    )


def _unpack_probes(data: bytes, at: int, amplitudes: Float32) -> ProbeProgram:
    fields = _PROBES.unpack_from(data, at)
    kind, order, baseline, reserved, batch, seed, tau_p, tau_x, tau_theta, refresh = fields[:10]
    samples, more = fields[10:]
    if reserved or more:
        raise LinkError("a program of probes has a reserved field that is not 0")
    if not (np.isfinite(amplitudes).all() and (amplitudes > 0).all()):
        raise LinkError("a program of probes has an amplitude that is not above 0")
    if min(batch, tau_p, tau_x, tau_theta, samples) < 1 or max(tau_p, tau_x, tau_theta) >= 2**63:
        raise LinkError("a program of probes has a time, batch or number of samples out of range")
    return ProbeProgram(
        kind=_pick(KINDS, kind, "kind"),
        seed=seed,
        amplitudes=amplitudes,
        tau_p=tau_p,
        tau_x=tau_x,
        tau_theta=tau_theta,
        batch=batch,
        baseline=_pick(BASELINES, baseline, "baseline"),
        baseline_refresh_steps=refresh,
        order=_pick(ORDERS, order, "order"),
        samples=samples,
    )


def _is_float32(values: Float64) -> bool:
    """False where one is NaN, too."""
    with np.errstate(over="ignore"):
        return bool((values.astype(np.float32) == values).all())


def _pick(names: tuple[T, ...], number: int, what: str) -> T:
    if number >= len(names):
        raise LinkError(f"a program has the unknown {what} {number}")
    return names[number]
