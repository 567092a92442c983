"""What a link costs, with a chip behind it that computes nothing.

    python benchmarks/links.py [--rounds 7] [--json FILE]

The servers run in a process of their own, on loopback; everything compared runs in turn, and
medians of the rounds' ratios are printed. Targets: one probe an exchange over the socket ≥ 0.6 of a
plain-socket loop with the same bytes to the same server, and ≥ 0.8 of a bare, tuned pyvisa-py loop;
blocks of 256 probes, P = 220, signs: ≥ 40 times the one-probe rate; P = 26,154 generated within a
factor 2 of P = 9 generated; frames of 4 kB over a pseudo-terminal ≥ 0.5 of a bare pyserial loop of
equal size, of 36 B ≥ 0.2.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyvisa
import serial
from null_chip import NullChip

from drivers.scpi import DRIVER as SCPI
from drivers.serial_board import DRIVER as SERIAL
from mgd_lab.chip import ProbeProgram
from mgd_lab.codes import packed_codes
from mgd_lab.costs import CostFunction
from mgd_lab.wire import REPLY_OVERHEAD_BYTES, Signs, block_header, exchange_message
from sim_instruments.frames_chip import FramesDevice
from sim_instruments.occupancy import Occupancy
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.serial_server import SerialServer
from sim_instruments.socket_server import SocketServer

_SECONDS = 0.4


def _serve(parameters: int, link: str, ready: Connection) -> None:
    """The other process: a socket and a pseudo-terminal, until told to stop."""
    chip = NullChip(parameters)
    tcp = SocketServer(ScpiChipDevice(chip), "127.0.0.1", 0, Occupancy())
    pty = SerialServer(FramesDevice(chip), link)
    tcp.start()
    pty.start()
    ready.send(tcp.resource)
    ready.recv()
    tcp.close()
    pty.close()


@contextmanager
def served(parameters: int) -> Generator[tuple[str, str]]:
    """Resource of the socket, path of the terminal."""
    with tempfile.TemporaryDirectory() as folder:
        link = str(Path(folder) / "board")
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(parameters, link, theirs)
        )
        process.start()
        resource = ours.recv()
        try:
            yield resource, link
        finally:
            ours.send("stop")
            process.join()


@contextmanager
def echo_terminal() -> Generator[str]:
    """A terminal whose other end sends back what it gets, for the bare pyserial loop."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_echo, args=(theirs,))
    process.start()
    path = ours.recv()
    try:
        yield path
    finally:
        process.terminate()
        process.join()


def _echo(ready: Connection) -> None:
    import tty

    near, far = os.openpty()
    tty.setraw(near)
    tty.setraw(far)
    ready.send(os.ttyname(far))
    while True:
        data = os.read(near, 65536)
        while data:
            data = data[os.write(near, data) :]


def rate(act: Callable[[], None]) -> float:
    """Calls a second."""
    act()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < _SECONDS:
        for _ in range(20):
            act()
        count += 20
    return count / (time.perf_counter() - began)


def open_chip(driver: Any, parameters: int, **keys: Any) -> Any:
    """The driver's chip, open, and told all that it needs."""
    settings = driver.settings.model_validate({"driver": "any", "timeout_seconds": 5, **keys})
    chip = driver.build(settings, "@py").__enter__()
    chip.set_cost(CostFunction())
    rows = 16
    chip.load_samples(np.zeros((rows, 2), np.float32), np.zeros((rows, 1), np.float32))
    amplitudes = np.full(parameters, 0.05, np.float32)
    chip.set_amplitudes(amplitudes)
    program = ProbeProgram("random", 1, amplitudes, 1, 1, 1, 1, "measured", 0, "shuffled", rows)
    chip.configure_probes(program)
    return chip


def signs_of(chip: Any, probes: int) -> Callable[[], None]:
    """One block of packed codes."""
    parameters = chip.description.parameters
    theta = np.zeros(parameters, np.float32)
    samples, signs = np.zeros(probes, np.uint32), np.ones(probes, np.int8)
    codes = packed_codes("random", 1, 0, probes, parameters)

    def act() -> None:
        chip.measure_signs(theta, samples, signs, codes)

    return act


def generated_of(chip: Any, probes: int) -> Callable[[], None]:
    """One block that the chip generates."""
    theta = np.zeros(chip.description.parameters, np.float32)

    def act() -> None:
        chip.measure_generated(theta, 0, 0, probes)

    return act


def one_probe_message() -> bytes:
    """The bytes of one probe of nine parameters, θ held already."""
    request = Signs(
        1,
        np.zeros(9, np.float32),
        np.zeros(1, np.uint32),
        np.ones(1, np.int8),
        packed_codes("random", 1, 0, 1, 9),
    )
    return exchange_message(request.encode(1))


def plain_socket(resource: str, message: bytes) -> tuple[Callable[[], None], Callable[[], None]]:
    """A loop over a plain socket, and how to end it."""
    _, host, port, _ = resource.split("::")
    link = socket.create_connection((host, int(port)))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def act() -> None:
        link.sendall(message)
        while not link.recv(65536).endswith(b"\n"):
            pass

    return act, link.close


def bare_pyvisa(resource: str, message: bytes) -> tuple[Callable[[], None], Callable[[], None]]:
    """A loop over pyvisa-py, tuned: no Nagle, no termination character, known length."""
    opened: Any = pyvisa.ResourceManager("@py").open_resource(resource)
    opened.read_termination = None
    inner = opened.visalib.sessions[opened.session].interface
    inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    payload = REPLY_OVERHEAD_BYTES + 8
    length = len(block_header(payload)) + payload + 1
    library, handle = opened.visalib, opened.session

    def act() -> None:
        library.write(handle, message)
        left = length
        while left:
            left -= len(library.read(handle, left)[0])

    return act, opened.close


def bare_serial(path: str, size: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """A loop of frames of equal size over bare pyserial against an echo."""
    port = serial.Serial(path, 115200, timeout=5)
    frame = b"\x01" * size

    def act() -> None:
        port.write(frame)
        got = 0
        while got < size:
            got += len(port.read(max(1, port.in_waiting)))

    return act, port.close


def ratio(rounds: int, ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, ...]:
    """Medians: our rate, theirs, and the ratio of the two, in turn."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


def with_chip(
    driver: Any, parameters: int, block: Callable[[Any], Callable[[], None]], **keys: Any
) -> float:
    """Calls a second of one of the driver's measurements."""
    chip = open_chip(driver, parameters, **keys)
    try:
        return rate(block(chip))
    finally:
        chip.__exit__(None, None, None)


def bare(make: Callable[[], tuple[Callable[[], None], Callable[[], None]]]) -> float:
    """Calls a second of a bare loop."""
    act, close = make()
    try:
        return rate(act)
    finally:
        close()


def measure(rounds: int) -> dict[str, Any]:
    """All comparisons."""
    results: dict[str, Any] = {}

    def tell(name: str, found: tuple[float, ...], target: float) -> None:
        results[name] = {"rate": found[0], "peer": found[1], "ratio": found[2], "target": target}
        print(
            f"{name}: {found[0]:,.0f}/s, peer {found[1]:,.0f}/s: ratio {found[2]:.2f} "
            f"(target {target:g})",
            flush=True,
        )

    message = one_probe_message()
    with served(9) as (tcp, pty), served(220) as (tcp220, _), served(26_154) as (big, _):
        one = lambda: with_chip(SCPI, 9, lambda c: signs_of(c, 1), resource=tcp)  # noqa: E731
        tell(
            "socket, one probe, against a plain socket",
            ratio(rounds, one, lambda: bare(lambda: plain_socket(tcp, message))),
            0.6,
        )
        tell(
            "socket, one probe, against bare pyvisa-py",
            ratio(rounds, one, lambda: bare(lambda: bare_pyvisa(tcp, message))),
            0.8,
        )
        blocks = ratio(
            rounds,
            lambda: 256 * with_chip(SCPI, 220, lambda c: signs_of(c, 256), resource=tcp220),
            lambda: with_chip(SCPI, 220, lambda c: signs_of(c, 1), resource=tcp220),
        )
        tell("blocks of 256 signs, P 220, against one probe", blocks, 40)
        large = ratio(
            rounds,
            lambda: with_chip(SCPI, 26_154, lambda c: generated_of(c, 256), resource=big),
            lambda: with_chip(SCPI, 9, lambda c: generated_of(c, 256), resource=tcp),
        )
        tell("generated, P 26,154, against P 9", large, 0.5)
        with echo_terminal() as echo:
            for probes, size, target in ((1, 36, 0.2), (500, 4000, 0.5)):
                frames = ratio(
                    rounds,
                    lambda probes=probes: with_chip(
                        SERIAL, 9, lambda c: generated_of(c, probes), port=pty
                    ),
                    lambda size=size: bare(lambda: bare_serial(echo, size)),
                )
                tell(f"frames of {size} B over a terminal, against pyserial", frames, target)
    return results


def main() -> None:
    """Measures, prints and keeps."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = measure(options.rounds)
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
