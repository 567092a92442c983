"""Opens, verifies again and closes the instruments of a bench, in parallel within each stage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from drivers.bench.boxes import Boxes
from drivers.bench.lanes import Lanes, Task, raise_all
from drivers.bench.levels import Levels
from mgd_lab.errors import ChipError, IdentityError, InstrumentError

FIELDS = ("manufacturer", "model", "serial", "firmware")


class Opening:
    """What is done to all instruments alike.

    Args:
        boxes: the instruments.
        stages: names of those that may be opened together, stage after stage.
        lanes: which are spoken to at the same time.
    """

    def __init__(self, boxes: Boxes, stages: Sequence[Sequence[str]], lanes: Lanes) -> None:
        self._boxes = boxes
        self._stages = stages
        self._lanes = lanes
        self._identities: dict[str, dict[str, str]] = {}

    @property
    def identities(self) -> Mapping[str, Mapping[str, str]]:
        """Of every instrument that was opened, by its name."""
        return self._identities

    @property
    def identities_in_words(self) -> dict[str, str]:
        """The same, each as one text: who it is, and where."""
        return {
            name: " ".join(
                text for text in (*map(identity.get, FIELDS), identity.get("resource")) if text
            )
            for name, identity in self._identities.items()
        }

    def open(self) -> None:
        """Connects all, then configures all: none is configured before each is known to be right.

        Where one fails the others of its stage go on, and then all are closed.
        """
        try:
            self.by_stage(self._connect)
            self._identities = {name: dict(box.identity) for name, box in self._boxes.all.items()}
            self.by_stage(lambda name: self._boxes.all[name].configure)
        except BaseException as error:
            self.close_after(error)
            raise

    def by_stage(self, task: Callable[[str], Task], names: Collection[str] | None = None) -> None:
        """Runs a task for each instrument (or each of `names`), stage after stage.

        Where one fails, the others of its stage go on, and no later stage begins.
        """
        for stage in self._chosen(names):
            self._lanes.run_or_raise({name: task(name) for name in stage})

    def backwards(self, task: Callable[[str], Task], names: Collection[str]) -> None:
        """The same from the last stage to the first, to the end whatever fails."""
        failed: dict[str, Exception] = {}
        for stage in reversed(self._chosen(names)):
            failed |= self._lanes.run({name: task(name) for name in stage})
        raise_all(failed)

    def reopen(self, names: Collection[str], levels: Levels, *, outputs_on: bool) -> None:
        """New sessions with these, each of which must be what it was and stand where it stood.

        Raises:
            LinkError: one does not answer; it may be tried again.
            ChipError: one was restarted, or changed by hand: its levels or outputs are others.
        """
        self.by_stage(lambda name: lambda: self._verify(name, levels, outputs_on), names)

    def reconnect(self, name: str) -> None:
        """A new session with one, which must be the instrument that it was."""
        instrument = self._boxes.all[name]
        instrument.close()
        instrument.connect()
        found = dict(instrument.identity)
        for field, value in self._identities.get(name, {}).items():
            if found.get(field) != value:
                raise IdentityError(
                    f"{name}: {field} of the instrument was {value!r} and is now "
                    f"{found.get(field)!r}: another one answers"
                )

    def drain_errors(self, names: Collection[str]) -> None:
        """InstrumentError where an instrument's error queue holds anything; it is empty then."""
        self.backwards(lambda name: lambda: self._drain(name), names)

    def close_after(self, error: BaseException) -> None:
        """Closes all; what fails is told with the error that has come before."""
        for name, failure in self._close().items():
            error.add_note(f"closing {name} failed too: {failure}")

    def close(self) -> None:
        """Closes all; ChipError where that failed."""
        failed = self._close()
        if failed:
            texts = "; ".join(f"{name}: {failure}" for name, failure in failed.items())
            raise ChipError(f"instruments could not be closed: {texts}")

    def _chosen(self, names: Collection[str] | None) -> list[list[str]]:
        return [
            [name for name in stage if names is None or name in names] for stage in self._stages
        ]

    def _connect(self, name: str) -> Task:
        return self._boxes.all[name].connect

    def _close(self) -> dict[str, Exception]:
        return self._lanes.run({name: box.close for name, box in self._boxes.all.items()})

    def _drain(self, name: str) -> None:
        errors = self._boxes.all[name].take_errors()
        if errors:
            raise InstrumentError(f"{name} reports {', '.join(errors)}")

    def _verify(self, name: str, levels: Levels, outputs_on: bool) -> None:
        self.reconnect(name)
        # What it complains of is what reached it of the exchange that failed.
        self._boxes.all[name].take_errors()
        source = self._boxes.sources.get(name)
        if source is not None:
            changed = levels.changed(name, source.read_levels())
            if outputs_on and not changed and not self.is_on(name):
                changed = "its outputs are off"
            if changed:
                raise ChipError(
                    f"{name}: after its link was opened again, {changed}: the instrument was "
                    "restarted, or changed by hand. Look at it, then resume the run, which goes "
                    "back slowly"
                )
        # What a fault left half done, a list that waits for triggers for example, ends here.
        self._boxes.all[name].configure()

    def is_on(self, name: str) -> bool:
        """Whether an instrument's outputs are on; one without a switch is on at level 0 too."""
        source = self._boxes.sources[name]
        return source.outputs_are_on() or not any(source.read_levels().values())
