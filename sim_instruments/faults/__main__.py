"""The proxy by hand: `python -m sim_instruments.faults --help`."""

from __future__ import annotations

import argparse
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from mgd_lab.errors import MgdLabError
from sim_instruments.faults.framing import (
    MakeFraming,
    chunks,
    framed,
    hislip_messages,
    messages_of_text,
)
from sim_instruments.faults.injector import Injection
from sim_instruments.faults.proxy import FaultProxy
from sim_instruments.faults.pty_proxy import PtyFaultProxy
from sim_instruments.faults.schedule import FaultKind, random_faults
from sim_instruments.faults.tcp_proxy import TcpFaultProxy

_FRAMINGS: dict[str, MakeFraming] = {
    "chunks": chunks,
    "text": messages_of_text,
    "frames": framed,
    "hislip": hislip_messages,
}
_SECONDS_BETWEEN_LOOKS = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is interrupted; prints where to connect, and every fault that happens."""
    asked = _parser().parse_args(arguments)
    interrupted = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        interrupted.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        with _proxy(asked) as proxy:
            _say(proxy.address)
            told = 0
            while not interrupted.wait(_SECONDS_BETWEEN_LOOKS):
                injections = proxy.injections
                for injection in injections[told:]:
                    _say(_line(injection))
                told = len(injections)
    except (MgdLabError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sim_instruments.faults",
        description="A proxy between host and device that injects faults at seeded random moments.",
    )
    device = parser.add_mutually_exclusive_group(required=True)
    device.add_argument("--tcp", type=int, metavar="PORT", help="the device's port on this machine")
    device.add_argument("--serial", metavar="PATH", help="the device's serial port")
    parser.add_argument("--link", metavar="PATH", help="with --serial: the name of our own port")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other moments")
    parser.add_argument("--faults", type=int, default=50, metavar="N", help="how many faults")
    parser.add_argument(
        "--messages", type=int, default=10_000, metavar="N", help="in how many messages either way"
    )
    parser.add_argument("--first", type=int, default=0, metavar="N", help="messages left alone")
    parser.add_argument(
        "--kinds",
        nargs="+",
        type=FaultKind,
        choices=list(FaultKind),
        default=[kind for kind in FaultKind if kind is not FaultKind.RESTART],
        metavar="KIND",
        help=f"which faults: {', '.join(FaultKind)}; all but restart unless given",
    )
    parser.add_argument(
        "--longest-seconds", type=float, default=0.1, metavar="S", help="of delays and stalls"
    )
    parser.add_argument(
        "--framing",
        choices=sorted(_FRAMINGS),
        default="chunks",
        help="what a message is: what is read at once, SCPI messages, or frames that end with 00",
    )
    parser.add_argument(
        "--restart-command", metavar="COMMAND", help="restarts the device; for the kind restart"
    )
    return parser


def _proxy(asked: argparse.Namespace) -> FaultProxy:
    schedule = random_faults(
        asked.seed,
        asked.faults,
        asked.messages,
        first=asked.first,
        kinds=asked.kinds,
        longest_seconds=asked.longest_seconds,
    )
    framing, restart = _FRAMINGS[asked.framing], _restarter(asked.restart_command)
    if asked.tcp is not None:
        return TcpFaultProxy(asked.tcp, schedule, framing=framing, restart=restart)
    return PtyFaultProxy(asked.serial, schedule, framing=framing, restart=restart, link=asked.link)


def _restarter(command: str | None) -> Callable[[], None]:
    words = shlex.split(command or "true")
    return lambda: subprocess.run(words, check=True) and None  # noqa: S603 (as the caller asked)


def _line(injection: Injection) -> str:
    fault = injection.fault
    return (
        f"{injection.elapsed_seconds:.3f} s: {fault.kind}, message {fault.message} "
        f"{fault.direction}, {injection.size} bytes"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
