"""Codes, sample order and random draws: the specification that host and chips share.

Everything is a pure function of seed and index; `docs/codes.md` states bit and word order and
gives test vectors, so that firmware or an FPGA can make the same.
"""

from mgd_lab.codes.draws import normal_rows, normals, permutation, permutations, uniforms
from mgd_lab.codes.kinds import (
    KINDS,
    SIGN_KINDS,
    Kind,
    codes,
    hadamard_size,
    mean_square,
    packed_codes,
    period,
    sine_table,
    unpack_signs,
)
from mgd_lab.codes.philox import Stream, philox4x32, words
from mgd_lab.codes.sample_order import Order, sample_order
from mgd_lab.codes.sign_table import SignTable, ValueTable

__all__ = [
    "KINDS",
    "SIGN_KINDS",
    "Kind",
    "Order",
    "SignTable",
    "Stream",
    "ValueTable",
    "codes",
    "hadamard_size",
    "mean_square",
    "normal_rows",
    "normals",
    "packed_codes",
    "period",
    "permutation",
    "permutations",
    "philox4x32",
    "sample_order",
    "sine_table",
    "uniforms",
    "unpack_signs",
    "words",
]
