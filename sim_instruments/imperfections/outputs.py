"""From the network's outputs to those that are read: settling, noise, and the converter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.experiment.imperfections import Imperfections
from sim_instruments.imperfections.converter import Converter
from sim_instruments.imperfections.read_noise import OUTPUTS_WORD, ReadNoise
from sim_instruments.imperfections.settling import SettlingOutputs

Float64 = NDArray[np.float64]


class ReadOutputs:
    """Outputs as a converter with noise reads them before they may have settled."""

    def __init__(self, settings: Imperfections, seed: int, outputs: int) -> None:
        noise, settling = settings.read_noise, settings.settling
        self._noise: ReadNoise | None = None
        if noise is not None and noise.outputs:
            self._noise = ReadNoise(noise.outputs, seed, outputs, OUTPUTS_WORD)
        self._settling = None if settling is None else SettlingOutputs(settling)
        self._converter = None if settings.output is None else Converter(settings.output)

    @property
    def is_any(self) -> bool:
        """Whether outputs are read otherwise than they are."""
        parts = (self._noise, self._settling, self._converter)
        return any(part is not None for part in parts)

    @property
    def clipped(self) -> int:
        """Outputs so far that lay beyond the converter's range."""
        return 0 if self._converter is None else self._converter.clipped

    def restart(self) -> None:
        """The next presentation has settled."""
        if self._settling is not None:
            self._settling.restart()

    def read(self, outputs: Float64, first: int) -> Float64:
        """outputs (n, O) of presentations from number `first` on → those read, (n, O)."""
        if self._settling is not None:
            outputs = self._settling.read(outputs)
        if self._noise is not None:
            outputs = outputs + self._noise.of(first, len(outputs))
        if self._converter is not None:
            outputs = self._converter.converted(outputs)
        return outputs
