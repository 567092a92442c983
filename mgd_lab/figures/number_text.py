"""How numbers stand at axes: 20k and 1.5M steps, 10⁻³."""

from __future__ import annotations

import math

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def steps_text(value: float, _position: int | None = None) -> str:
    """0, 500, 20k, 1.5M, 2G."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


def decade_text(value: float, _position: int | None = None) -> str:
    """A label of a logarithmic axis: 0.01 to 100 as they are, others as a power of ten."""
    if value <= 0:
        return f"{value:g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    mantissa = value / 10.0**exponent
    if -2 <= exponent <= 2:
        return f"{value:.10g}"
    power = f"10{str(exponent).translate(_SUPERSCRIPTS)}"
    return power if math.isclose(mantissa, 1.0) else f"{mantissa:.3g}·{power}"
