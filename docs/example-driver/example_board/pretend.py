"""A board that is only played: the firmware's side of the line protocol, as a stream."""

import math

PARAMETERS = 9


class PretendBoard:
    """Has the methods of `serial.Serial` that the driver uses. Two neurons, then one: 2-2-1.

    `held` is shared by all, as a real board keeps its registers while the port is closed.
    """

    held = [0.0] * PARAMETERS

    def __init__(self) -> None:
        self._answers = b""

    def write(self, line: bytes) -> int:
        command, *words = line.decode().split()
        numbers = [float(word) for word in words]
        self._answers += self._answer(command, numbers).encode() + b"\n"
        return len(line)

    def readline(self) -> bytes:
        line, _, self._answers = self._answers.partition(b"\n")
        return line + b"\n"

    def reset_input_buffer(self) -> None:
        self._answers = b""

    def close(self) -> None:
        self._answers = b""

    def _answer(self, command: str, numbers: list[float]) -> str:
        if command == "ID":
            return "Example Labs,neuron board,17,1.2"
        if command == "SET" and len(numbers) == PARAMETERS:
            self.held[:] = numbers
            return "OK"
        if command == "GET":
            return " ".join(map(repr, self.held))
        if command == "OUT" and len(numbers) == 2:
            return repr(self._output(*numbers))
        return f"ERR {command}"

    def _output(self, x1: float, x2: float) -> float:
        w = self.held
        h1 = _neuron(w[0] * x1 + w[1] * x2 + w[6])
        h2 = _neuron(w[2] * x1 + w[3] * x2 + w[7])
        return _neuron(w[4] * h1 + w[5] * h2 + w[8])


def _neuron(drive: float) -> float:
    return 1.0 / (1.0 + math.exp(-drive))
