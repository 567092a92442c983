"""A driver for a board that speaks lines of text over a serial line."""

import termios

import numpy as np
import serial
from pydantic import Field

from example_board.pretend import PretendBoard
from mgd_lab.chip import ChipDescription, ParameterGroup
from mgd_lab.errors import CapabilityError, InstrumentError, LinkError, LinkTimeoutError
from mgd_lab.experiment import ChipDriver, ChipSettings, narrowed

LARGEST_BLOCK = 256
FAULTS = (OSError, termios.error)  # serial.SerialException is an OSError


class BoardSettings(ChipSettings):
    port: str = Field(description='serial port, or "pretend" for a board that is only played')
    timeout_seconds: float = Field(default=2.0, gt=0, description="of one answer")


class ExampleBoard:
    def __init__(self, settings: BoardSettings, open_line) -> None:
        self._settings, self._open_line = settings, open_line
        self._name = settings.name or "example board"
        weights = ParameterGroup("weights", 6, unit="V", low=-10.0, high=10.0)
        biases = ParameterGroup("biases", 3, unit="V", low=-10.0, high=10.0)
        played = settings.port == "pretend"
        own = ChipDescription(
            self._name, (weights, biases), 2, 1, largest_block=LARGEST_BLOCK, simulated=played
        )
        self.description = narrowed(own, settings.limits)
        self.identity = {}

    def __enter__(self):
        try:
            self._line = self._open_line(self._settings)
        except FAULTS as error:
            raise LinkError(f"{self._name}: cannot open {self._settings.port}: {error}") from error
        try:
            names = ("manufacturer", "model", "serial", "firmware")
            self.identity = dict(zip(names, self._ask("ID").split(","), strict=False))
        except BaseException:
            self._line.close()
            raise
        return self

    def __exit__(self, kind, error, trace):
        try:
            self.write_parameters(self.description.safe)
        finally:
            self._line.close()

    def write_parameters(self, values):
        answer = self._ask("SET " + _text(values))
        if answer != "OK":
            raise InstrumentError(f"{self._name}: SET was answered by {answer!r}")

    def read_parameters(self):
        return self._numbers("GET", self.description.parameters)

    def outputs(self, parameters, inputs):
        if not 0 < len(inputs) <= LARGEST_BLOCK:
            raise CapabilityError(f"{self._name}: {len(inputs)} probes; 1 to {LARGEST_BLOCK} fit")
        self.write_parameters(parameters)
        return np.array([self._numbers("OUT " + _text(x), 1) for x in inputs.astype(np.float64)])

    def _numbers(self, question, count):
        answer = self._ask(question)
        try:
            return np.array([float(word) for word in answer.split()]).reshape(count)
        except ValueError as error:
            raise LinkError(f"{self._name}: {count} numbers expected, got {answer!r}") from error

    def _ask(self, question):
        try:
            self._line.reset_input_buffer()
            self._line.write(question.encode() + b"\n")
            answer = self._line.readline()
        except FAULTS as error:
            raise LinkError(f"{self._name}: {question}: {error}") from error
        if not answer.endswith(b"\n"):
            raise LinkTimeoutError(f"{self._name}: no answer to {question} in timeout_seconds")
        return answer.decode("ascii", "replace").strip()


def _text(values):
    return " ".join(repr(float(value)) for value in values)


def _open(settings: BoardSettings):
    if settings.port == "pretend":
        return PretendBoard()
    limit = settings.timeout_seconds
    return serial.Serial(settings.port, 115200, timeout=limit, write_timeout=limit)


DRIVER = ChipDriver(settings=BoardSettings, build=lambda settings, _: ExampleBoard(settings, _open))
