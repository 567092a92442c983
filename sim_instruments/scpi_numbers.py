"""Numbers in program messages (IEEE 488.2, 7.7.2 and 7.7.4)."""

from __future__ import annotations

import math
import re

from mgd_lab.errors import ConfigurationError, LimitError


def register_value(argument: bytes) -> int:
    """The value of an 8-bit register: a decimal number, rounded, or #H, #Q, #B digits.

    Raises:
        ConfigurationError: it is no number.
        LimitError: it is not from 0 to 255.
    """
    match = _NUMBER.fullmatch(argument)
    if match is None:
        raise ConfigurationError(f"expected a number; found {argument[:40]!r}")
    decimal, hexadecimal, octal, binary = match.groups()
    if decimal:
        value = float(decimal)
        whole = math.floor(value + 0.5) if math.isfinite(value) else 256
    else:
        digits, base = next(
            (digits, base)
            for digits, base in ((hexadecimal, 16), (octal, 8), (binary, 2))
            if digits
        )
        whole = int(digits, base) if len(digits) <= _MOST_DIGITS else 256
    if not 0 <= whole <= 255:
        raise LimitError(f"{argument[:40].decode('ascii')} is not from 0 to 255")
    return whole


_MOST_DIGITS = 64
_NUMBER = re.compile(
    rb"([+-]?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+)"
    rb"|#[hH]([0-9a-fA-F]++)|#[qQ]([0-7]++)|#[bB]([01]++)"
)
