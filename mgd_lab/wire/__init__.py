"""Bytes of the dialects for chips of our kind, made and read without I/O.

Requests and replies are frozen dataclasses; `scpi` wraps them into program messages.
"""

from mgd_lab.wire.blocks import (
    LARGEST_BLOCK_BYTES,
    block_extent,
    block_header,
    decode_block,
    encode_block,
    encode_indefinite_block,
)
from mgd_lab.wire.decoding import Request, decode_request, refused_result_count, result_count
from mgd_lab.wire.descriptions import (
    LARGEST_DESCRIPTION_BYTES,
    decode_description,
    encode_description,
)
from mgd_lab.wire.envelope import CRC_BYTES, HEADER_BYTES, Opcode, Widths
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
from mgd_lab.wire.replies import REPLY_OVERHEAD_BYTES, Reply, decode_reply
from mgd_lab.wire.requests import Costs, Dense, Outputs, Signs
from mgd_lab.wire.scpi import (
    EXCHANGE_PREFIX,
    Command,
    Header,
    exchange_message,
    parse_message,
)
from mgd_lab.wire.scpi_stream import MessageStream, message_end
from mgd_lab.wire.setup_requests import (
    Amplitudes,
    ReadParameters,
    Samples,
    SamplesHash,
    SetCost,
    WriteParameters,
    samples_hash,
)
from mgd_lab.wire.statuses import Status, status_text

__all__ = [
    "CRC_BYTES",
    "EXCHANGE_PREFIX",
    "HEADER_BYTES",
    "LARGEST_BLOCK_BYTES",
    "LARGEST_DESCRIPTION_BYTES",
    "REPLY_OVERHEAD_BYTES",
    "Advance",
    "Amplitudes",
    "Command",
    "ConfigureLearning",
    "ConfigureProbes",
    "Costs",
    "Dense",
    "Generated",
    "Header",
    "MessageStream",
    "Opcode",
    "Outputs",
    "ReadLimits",
    "ReadOutputs",
    "ReadParameters",
    "ReadTelemetry",
    "Reply",
    "Request",
    "Restore",
    "Samples",
    "SamplesHash",
    "SetCost",
    "SetLimits",
    "Signs",
    "Snapshot",
    "Status",
    "SwitchOutputs",
    "WatchHost",
    "Widths",
    "WriteParameters",
    "block_extent",
    "block_header",
    "decode_block",
    "decode_description",
    "decode_reply",
    "decode_request",
    "encode_block",
    "encode_description",
    "encode_indefinite_block",
    "exchange_message",
    "message_end",
    "parse_message",
    "refused_result_count",
    "result_count",
    "samples_hash",
    "status_text",
]
