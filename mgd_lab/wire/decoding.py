"""From the bytes of a request to the request: what a device does first."""

from __future__ import annotations

import struct

from mgd_lab.chip import snapshot_length
from mgd_lab.errors import LimitError, LinkError
from mgd_lab.wire.envelope import (
    CRC_BYTES,
    HEADER_BYTES,
    Header,
    Opcode,
    Widths,
    check_seal,
    read_header,
)
from mgd_lab.wire.guard_requests import (
    ReadLimits,
    ReadOutputs,
    ReadTelemetry,
    SetLimits,
    SwitchOutputs,
    WatchHost,
)
from mgd_lab.wire.program_requests import (
    Advance,
    ConfigureLearning,
    ConfigureProbes,
    Generated,
    Restore,
    Snapshot,
)
from mgd_lab.wire.requests import Costs, Dense, Outputs, Signs
from mgd_lab.wire.setup_requests import (
    Amplitudes,
    ReadParameters,
    Samples,
    SamplesHash,
    SetCost,
    WriteParameters,
)

Measurement = Outputs | Costs | Dense | Signs | Generated
Setup = Amplitudes | Samples | SamplesHash | SetCost | WriteParameters | ReadParameters
Program = ConfigureProbes | ConfigureLearning | Advance | Snapshot | Restore
Guard = SetLimits | ReadLimits | SwitchOutputs | ReadOutputs | WatchHost | ReadTelemetry
Request = Measurement | Setup | Program | Guard

_REQUESTS: dict[Opcode, type[Request]] = {
    kind.opcode: kind
    for kind in (
        Outputs,
        Costs,
        Dense,
        Signs,
        Amplitudes,
        Samples,
        SamplesHash,
        SetCost,
        WriteParameters,
        ReadParameters,
        Generated,
        ConfigureProbes,
        ConfigureLearning,
        Advance,
        Snapshot,
        Restore,
        SetLimits,
        ReadLimits,
        SwitchOutputs,
        ReadOutputs,
        WatchHost,
        ReadTelemetry,
    )
}


def decode_request(data: bytes, widths: Widths) -> tuple[Header, Request]:
    """The request that the bytes hold.

    Raises:
        LinkError: they are damaged, short, long or wrong.
        LimitError: there are more probes, or samples, than the device takes at once.
    """
    check_seal(data, "request")
    header = read_header(data)
    _check_count(header, widths)
    kind = _REQUESTS[header.opcode]
    expected = HEADER_BYTES + kind.body_bytes(header, widths) + CRC_BYTES
    if len(data) != expected:
        raise LinkError(
            f"the request {header.opcode.name} of {header.count} takes {expected} bytes; "
            f"{len(data)} came"
        )
    return header, kind.decode(data, header, widths)


def result_count(opcode: Opcode, count: int, widths: Widths) -> int:
    """How many float64 values the reply to a request of `count` carries."""
    if opcode == Opcode.OUTPUTS:
        return count * widths.outputs
    if opcode in _MEASUREMENTS:
        return count
    return {
        Opcode.READ_PARAMETERS: widths.parameters,
        Opcode.READ_LIMITS: 2 * widths.parameters,
        Opcode.READ_OUTPUTS: 1,
        Opcode.READ_TELEMETRY: widths.telemetry,
        Opcode.SAMPLES_HASH: 1,
        Opcode.SNAPSHOT: snapshot_length(widths.parameters),
    }.get(opcode, 0)


def refused_result_count(data: bytes, widths: Widths) -> tuple[int, int]:
    """Sequence number and number of results that a refusal of these bytes should carry.

    A refusal is as long as the reply would have been, so that who waits for a known number of
    bytes gets them. Bytes too damaged to tell give no results; too few for a number give 0.
    """
    sequence = struct.unpack_from("<I", data)[0] if len(data) >= struct.calcsize("<I") else 0
    try:
        header = read_header(data)
        _check_count(header, widths)
    except (LinkError, LimitError):
        return sequence, 0
    return sequence, result_count(header.opcode, header.count, widths)


_WITH_THETA = frozenset({Opcode.DENSE, Opcode.SIGNS, Opcode.GENERATED})
_MEASUREMENTS = _WITH_THETA | {Opcode.OUTPUTS, Opcode.COSTS}
_WITHOUT_COUNT = frozenset(
    {
        Opcode.COST_FUNCTION,
        Opcode.READ_PARAMETERS,
        Opcode.ADVANCE,
        Opcode.SNAPSHOT,
        Opcode.RESTORE,
        Opcode.SAMPLES_HASH,
        Opcode.READ_LIMITS,
        Opcode.SWITCH_OUTPUTS,
        Opcode.READ_OUTPUTS,
        Opcode.WATCH_HOST,
        Opcode.READ_TELEMETRY,
    }
)


def _check_count(header: Header, widths: Widths) -> None:
    opcode, count = header.opcode, header.count
    if opcode in _MEASUREMENTS:
        low, high = 1, widths.largest_block
    elif opcode == Opcode.SAMPLES:
        low, high = 1, widths.sample_memory
    elif opcode in _WITHOUT_COUNT:
        low = high = 0
    else:
        low = high = widths.parameters
    if not low <= count <= high:
        # What is too much of a right thing is the sender's mistake, and no damage on the way.
        too_many = count > high and opcode in _MEASUREMENTS | {Opcode.SAMPLES}
        kind = LimitError if too_many else LinkError
        raise kind(f"the request {opcode.name} counts {count}; it may count {low} to {high}")
    if opcode not in _WITH_THETA and (header.theta_follows or header.theta_number):
        raise LinkError(f"the request {opcode.name} carries no θ")
