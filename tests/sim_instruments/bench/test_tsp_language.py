"""TSP programs without an instrument."""

from __future__ import annotations

import struct

import pytest

from sim_instruments.bench.tsp_language import TspError
from sim_instruments.bench.tsp_machine import Attribute, TspMachine


@pytest.fixture
def machine():
    machine = TspMachine()
    machine.number("smua.source.levelv", 0, -10, 10)
    machine.number("digio.trigger[1].mode", 0, 0, 9)
    machine.attribute("localnode.model", Attribute(lambda: "2602B"))
    machine.function("pair", lambda values: (*values, 7.0))
    machine.printable("smua.nvbuffer1.readings", lambda a, b: [1.5, 2.5, 3.5][a - 1 : b])
    machine.printable("smua.nvbuffer1.statuses", lambda a, b: [0.0, 64.0, 0.0][a - 1 : b])
    return machine


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        ("print(1)", "1.00000e+00\n"),
        ("print(1, 'two', true, nil)", "1.00000e+00\ttwo\ttrue\tnil\n"),
        ("print(2 + 3 * 4 - 10 / 4)", "1.15000e+01\n"),
        ("print(-(1 + 2) * .5e1)", "-1.50000e+01\n"),
        ("print(1 / 0)", "inf\n"),
        ("print(localnode.model)", "2602B\n"),
        ("smua.source.levelv = 1.25 print(smua.source.levelv)", "1.25000e+00\n"),
        ("digio.trigger[1].mode = 3; print(digio.trigger[1].mode)", "3.00000e+00\n"),
        ("a = {5, 6} a[3] = 7 print(a[1], a[3], a[4])", "5.00000e+00\t7.00000e+00\tnil\n"),
        ("for k = 1, 3 do x = k * 2 end print(x, k)", "6.00000e+00\t3.00000e+00\n"),
        ("for k = 1, 0 do x = k end print(x)", "nil\n"),
        ("print(pair(1))", "1.00000e+00\t7.00000e+00\n"),
        ("print(pair(1), 2)", "1.00000e+00\t2.00000e+00\n"),
        ("format.asciiprecision = 10 print(0.1)", "1.000000000e-01\n"),
        ("print(smua.source.nothing)", "nil\n"),
        ("printbuffer(2, 3, smua.nvbuffer1)", "2.50000e+00, 3.50000e+00\n"),
        (
            "printbuffer(1, 2, smua.nvbuffer1.readings, smua.nvbuffer1.statuses)",
            "1.50000e+00, 0.00000e+00, 2.50000e+00, 6.40000e+01\n",
        ),
        ("x = 1 -- a comment\nprint(x)", "1.00000e+00\n"),
        ("", ""),
    ],
)
def test_programs(machine, program, printed):
    machine.run(program)
    assert machine.output == printed.encode()


@pytest.mark.parametrize(
    ("data", "letter"),
    [("REAL64", "d"), ("REAL", "d"), ("REAL32", "f"), ("SREAL", "f")],
)
def test_binary(machine, data, letter):
    machine.run(f"format.data = format.{data} printbuffer(1, 2, smua.nvbuffer1.readings)")
    assert machine.output == b"#0" + struct.pack(f">2{letter}", 1.5, 2.5) + b"\n"
    machine.output = b""
    machine.run("format.byteorder = format.LITTLEENDIAN printbuffer(3, 3, smua.nvbuffer1)")
    assert machine.output == b"#0" + struct.pack(f"<{letter}", 3.5) + b"\n"


@pytest.mark.parametrize(
    ("program", "code", "words"),
    [
        ("*IDN?", -285, "TSP Syntax error at line 1: unexpected symbol near `*'"),
        (":SOUR:VOLT 1", -285, "TSP Syntax error at line 1: unexpected symbol near `:'"),
        ("print(1", -285, "TSP Syntax error at line 1: unexpected symbol near `<eof>'"),
        ("x = ", -285, "TSP Syntax error at line 1: unexpected symbol near `<eof>'"),
        ("x\ny = = 2", -285, "TSP Syntax error at line 2: unexpected symbol near `y'"),
        ("smua.source.levelv", -285, "TSP Syntax error at line 1: unexpected symbol near `<eof>'"),
        ("if x then end", -285, "TSP Syntax error at line 1: unexpected symbol near `if'"),
        ("for k = 1, 2 do x = 1", -285, "near `<eof>'"),
        ("end", -285, "near `end'"),
        ("smub.source.levelv = 1", -286, "attempt to index global `smub' (a nil value)"),
        ("print(smua.sauce.levelv)", -286, "attempt to index field `sauce' (a nil value)"),
        ("smua.source.wave()", -286, "attempt to call field `wave' (a nil value)"),
        ("wave()", -286, "attempt to call global `wave' (a nil value)"),
        ("localnode.model = 1", -286, "attribute `localnode.model' is read-only"),
        ("smua.source.shape = 1", -286, "attempt to write unknown attribute"),
        ("x[1] = 2", -286, "attempt to index global `x' (a nil value)"),
        ("x = 1 + nil", -286, "attempt to perform arithmetic"),
        ("smua.source.levelv = 11", 1101, "Parameter too big"),
        ("smua.source.levelv = -11", 1102, "Parameter too small"),
        ("smua.source.levelv = 'high'", 1108, "Parameter wrong type"),
        ("printbuffer(1, 9, smua.nvbuffer1)", 1106, "Index out of range"),
        ("printbuffer(1, 2)", -109, "Missing parameter"),
        ("printbuffer(1, 2, 3)", -286, "reading buffer expected"),
    ],
)
def test_errors(machine, program, code, words):
    with pytest.raises(TspError) as caught:
        machine.run(program)
    assert caught.value.code == code
    assert words in caught.value.text


def test_a_chunk_that_is_wrong_does_nothing(machine):
    with pytest.raises(TspError):
        machine.run("smua.source.levelv = 1 print(")
    machine.run("print(smua.source.levelv)")
    assert machine.output == b"0.00000e+00\n"


def test_a_reset(machine):
    machine.run("smua.source.levelv = 1 mine = 2")
    machine.reset()
    machine.run("print(smua.source.levelv, mine)")
    assert machine.output == b"0.00000e+00\t2.00000e+00\n"


def test_nothing_of_the_host_can_be_reached(machine):
    for program in ("__import__('os')", "x = ().__class__", "print(print.__globals__)"):
        with pytest.raises(TspError):
            machine.run(program)
    machine.run("print(__builtins__)")
    assert machine.output == b"nil\n"
