"""The status of an instrument: event register, enables, status byte (IEEE 488.2, section 11)."""

from __future__ import annotations

from mgd_lab.wire import Status
from sim_instruments.scpi_errors import ErrorQueue

POWER_ON = 1 << 7
COMMAND_ERROR = 1 << 5
EXECUTION_ERROR = 1 << 4
DEVICE_ERROR = 1 << 3
QUERY_ERROR = 1 << 2
OPERATION_COMPLETE = 1 << 0

ERROR_AVAILABLE = 1 << 2
MESSAGE_AVAILABLE = 1 << 4
EVENT_SUMMARY = 1 << 5
MASTER_SUMMARY = 1 << 6


class StatusRegisters:
    """Standard event status register, its enable, the service request enable, the error queue."""

    def __init__(self) -> None:
        self.errors = ErrorQueue()
        self.event_enable = 0
        self._service_enable = 0
        self._events = POWER_ON

    @property
    def service_enable(self) -> int:
        """Which bits of the status byte ask for service; bit 6 is not kept."""
        return self._service_enable

    @service_enable.setter
    def service_enable(self, value: int) -> None:
        self._service_enable = value & ~MASTER_SUMMARY

    def report(self, status: Status, text: str = "") -> None:
        """An error enters the queue and the event register."""
        self._events |= _event(status) | _event(self.errors.put(status, text))

    def operation_complete(self) -> None:
        """Sets the event of `*OPC`."""
        self._events |= OPERATION_COMPLETE

    def take_events(self) -> int:
        """The event register, which reading clears."""
        events, self._events = self._events, 0
        return events

    def clear(self) -> None:
        """`*CLS`: no errors, no events; the enables stay."""
        self.errors.clear()
        self._events = 0

    def status_byte(self, *, message_available: bool) -> int:
        """The status byte, its bit 6 the master summary."""
        byte = ERROR_AVAILABLE if self.errors else 0
        if message_available:
            byte |= MESSAGE_AVAILABLE
        if self._events & self.event_enable:
            byte |= EVENT_SUMMARY
        return byte | (MASTER_SUMMARY if byte & self._service_enable else 0)


def _event(status: Status) -> int:
    if -200 < status <= -100:
        return COMMAND_ERROR
    if -300 < status <= -200:
        return EXECUTION_ERROR
    return QUERY_ERROR if -500 < status <= -400 else DEVICE_ERROR
