"""From the bytes of a request to the request: what a device does first."""

from __future__ import annotations

import struct

from mgd_lab.chip import snapshot_length
from mgd_lab.errors import LinkError
from mgd_lab.wire.envelope import (
    CRC_BYTES,
    HEADER_BYTES,
    Header,
    Opcode,
    Widths,
    check_seal,
    read_header,
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
    SetCost,
    WriteParameters,
)

Measurement = Outputs | Costs | Dense | Signs | Generated
Setup = Amplitudes | Samples | SetCost | WriteParameters | ReadParameters
Program = ConfigureProbes | ConfigureLearning | Advance | Snapshot | Restore
Request = Measurement | Setup | Program

_REQUESTS: dict[Opcode, type[Request]] = {
    kind.opcode: kind
    for kind in (
        Outputs,
        Costs,
        Dense,
        Signs,
        Amplitudes,
        Samples,
        SetCost,
        WriteParameters,
        ReadParameters,
        Generated,
        ConfigureProbes,
        ConfigureLearning,
        Advance,
        Snapshot,
        Restore,
    )
}


def decode_request(data: bytes, widths: Widths) -> tuple[Header, Request]:
    """The request that the bytes hold; LinkError where they are damaged, short, long or wrong."""
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
    if opcode == Opcode.SNAPSHOT:
        return snapshot_length(widths.parameters)
    return widths.parameters if opcode == Opcode.READ_PARAMETERS else 0


def refused_result_count(data: bytes, widths: Widths) -> tuple[int, int]:
    """Sequence number and number of results that a refusal of these bytes should carry.

    A refusal is as long as the reply would have been, so that who waits for a known number of
    bytes gets them. Bytes too damaged to tell give no results; too few for a number give 0.
    """
    sequence = struct.unpack_from("<I", data)[0] if len(data) >= struct.calcsize("<I") else 0
    try:
        header = read_header(data)
        _check_count(header, widths)
    except LinkError:
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
        raise LinkError(f"the request {opcode.name} counts {count}; it may count {low} to {high}")
    if opcode not in _WITH_THETA and (header.theta_follows or header.theta_number):
        raise LinkError(f"the request {opcode.name} carries no θ")
