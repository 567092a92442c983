"""What a device reports, with the codes and texts of SCPI-1999 (volume 2, 21.8)."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """0, or the code of the error that entered the device's queue."""

    NO_ERROR = 0
    COMMAND_ERROR = -100
    SYNTAX_ERROR = -102
    DATA_TYPE_ERROR = -104
    PARAMETER_NOT_ALLOWED = -108
    MISSING_PARAMETER = -109
    UNDEFINED_HEADER = -113
    INVALID_BLOCK_DATA = -161
    EXECUTION_ERROR = -200
    TRIGGER_IGNORED = -211
    SETTINGS_CONFLICT = -221
    DATA_OUT_OF_RANGE = -222
    TOO_MUCH_DATA = -223
    HARDWARE_ERROR = -240
    QUEUE_OVERFLOW = -350
    QUERY_INTERRUPTED = -410
    QUERY_UNTERMINATED = -420
    QUERY_DEADLOCKED = -430
    QUERY_AFTER_INDEFINITE = -440


_TEXTS = {
    Status.NO_ERROR: "No error",
    Status.COMMAND_ERROR: "Command error",
    Status.SYNTAX_ERROR: "Syntax error",
    Status.DATA_TYPE_ERROR: "Data type error",
    Status.PARAMETER_NOT_ALLOWED: "Parameter not allowed",
    Status.MISSING_PARAMETER: "Missing parameter",
    Status.UNDEFINED_HEADER: "Undefined header",
    Status.INVALID_BLOCK_DATA: "Invalid block data",
    Status.EXECUTION_ERROR: "Execution error",
    Status.TRIGGER_IGNORED: "Trigger ignored",
    Status.SETTINGS_CONFLICT: "Settings conflict",
    Status.DATA_OUT_OF_RANGE: "Data out of range",
    Status.TOO_MUCH_DATA: "Too much data",
    Status.HARDWARE_ERROR: "Hardware error",
    Status.QUEUE_OVERFLOW: "Queue overflow",
    Status.QUERY_INTERRUPTED: "Query INTERRUPTED",
    Status.QUERY_UNTERMINATED: "Query UNTERMINATED",
    Status.QUERY_DEADLOCKED: "Query DEADLOCKED",
    Status.QUERY_AFTER_INDEFINITE: "Query UNTERMINATED after indefinite response",
}


def status_text(code: int) -> str:
    """The standard's text of a code; a device may use codes that are not listed here."""
    try:
        return _TEXTS[Status(code)]
    except ValueError:
        return "Device-specific error"
