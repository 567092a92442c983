"""Every error that MGD Lab raises on purpose.

::

    MgdLabError
    ├── ConfigurationError      the experiment, the chip file or the call is wrong      exit 2
    │   ├── ExperimentFileError   ... with file, line and dotted key of every problem
    │   ├── CapabilityError       the chip cannot do what the experiment asks of it
    │   ├── DataError             a data set is missing, damaged or does not fit
    │   └── MissingExtraError     an optional library is not installed
    ├── StoppedError            a signal ended a run before it trained                  exit 130
    ├── LimitError              a value would leave the chip's envelope                 exit 4
    ├── ChipError               the chip or the way to it failed                        exit 3
    │   ├── LinkError             no reply, or one that cannot be trusted
    │   │   └── LinkTimeoutError    ... in the time allowed
    │   ├── InstrumentError       the instrument reports an error of its own
    │   ├── IdentityError         another instrument answers than the one named
    │   ├── ChipBusyError         another process controls the chip
    │   ├── UnverifiedError       the chip may not be at its safe values
    │   ├── MeasurementError      a cost or output that is no number (NaN, infinite, overflow)
    │   └── GuardError            what was watched left its bounds (`guards:`)
    └── RunStoreError           a run's folder cannot be read or written                exit 3
        └── NoRunError            there is no run at the path that was named              exit 2

A message says what went wrong, where, which limit or expectation was broken, and what to do next.
"""


class MgdLabError(Exception):
    """Root of the tree; `exit_code` is what the command line returns for it."""

    exit_code = 1


class ConfigurationError(MgdLabError):
    """The experiment, the chip file or the call is wrong; nothing was energised."""

    exit_code = 2


class ExperimentFileError(ConfigurationError):
    """One or more problems in an experiment or chip file, each with its place."""


class CapabilityError(ConfigurationError):
    """The chip lacks a capability that the experiment needs."""


class DataError(ConfigurationError):
    """A data set is missing, damaged, or does not fit the chip or the cost."""


class MissingExtraError(ConfigurationError):
    """An optional library is needed and not installed."""

    def __init__(self, purpose: str, library: str, extra: str) -> None:
        super().__init__(
            f"{purpose} needs {library}, which is not installed. "
            f'Install it with: pip install "mgd-lab[{extra}]"'
        )


class StoppedError(MgdLabError):
    """A signal, or who called, ended a run while its chip was armed; it is safe again."""

    exit_code = 130


class LimitError(MgdLabError):
    """A value would leave the envelope of the chip; it was not sent."""

    exit_code = 4


class ChipError(MgdLabError):
    """The chip, or the way to it, failed."""

    exit_code = 3


class LinkError(ChipError):
    """A reply is missing, damaged or of another request: it was not used."""


class LinkTimeoutError(LinkError):
    """No reply in the time allowed."""


class InstrumentError(ChipError):
    """The instrument reports an error of its own."""


class IdentityError(ChipError):
    """The instrument that answers is not the one that the chip file names."""


class ChipBusyError(ChipError):
    """Another process controls the chip; it was not opened."""


class UnverifiedError(ChipError):
    """The chip may not be at its safe values: its state could not be verified."""


class MeasurementError(ChipError):
    """The chip returned a cost or an output that is no finite number."""


class GuardError(ChipError):
    """Something that is watched left its bounds; the run ended there and can be resumed."""


class RunStoreError(MgdLabError):
    """A run's folder cannot be read or written."""

    exit_code = 3


class NoRunError(RunStoreError):
    """There is no run at the path that was named."""

    exit_code = 2


NOT_VERIFIED = "could not be verified to be at its safe values"


def tells_unverified(error: BaseException) -> bool:
    """Whether an error, or a note of it, says already that a chip may not be safe."""
    return any(NOT_VERIFIED in text for text in (str(error), *getattr(error, "__notes__", ())))
