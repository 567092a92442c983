"""A proxy between host and device that does to their messages what bad links do.

It listens on a loopback port (`TcpFaultProxy`) or on a pseudo-terminal of its own
(`PtyFaultProxy`), and forwards to the device what the schedule leaves of it. By hand:
`python -m sim_instruments.faults --help`; see `docs/faults.md`.
"""

from sim_instruments.faults.framing import chunks, framed, hislip_messages, messages_of_text
from sim_instruments.faults.injector import Injection
from sim_instruments.faults.pty_proxy import PtyFaultProxy
from sim_instruments.faults.schedule import (
    Direction,
    Fault,
    FaultKind,
    FaultSchedule,
    random_faults,
)
from sim_instruments.faults.tcp_proxy import TcpFaultProxy

__all__ = [
    "Direction",
    "Fault",
    "FaultKind",
    "FaultSchedule",
    "Injection",
    "PtyFaultProxy",
    "TcpFaultProxy",
    "chunks",
    "framed",
    "hislip_messages",
    "messages_of_text",
    "random_faults",
]
