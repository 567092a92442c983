"""Which instruments can be spoken to at the same time, and what becomes of those that fail."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mgd_lab.chip.bench_time import BenchTime
from mgd_lab.errors import LinkError

Task = Callable[[], None]

_SHARED_BUS = re.compile(r"(gpib\d*)::", re.IGNORECASE)


class Lanes:
    """Instruments by link: in parallel on different ones, one after another on a shared one.

    Args:
        resources: VISA resource of each instrument, by its name; "" where it has none.
        time: of the bench.

    Attributes:
        suspects: instruments whose link failed since somebody cleared it.
    """

    def __init__(self, resources: Mapping[str, str], time: BenchTime) -> None:
        self._link = {name: _link(name, resource) for name, resource in resources.items()}
        self._time = time
        self.suspects: set[str] = set()

    def run(self, tasks: Mapping[str, Task]) -> dict[str, Exception]:
        """Instrument → task, all of which are run; what those that failed raised, in their order.

        Only what is no Exception (a second Ctrl-C) ends a lane before its last task.
        """
        failed: dict[str, Exception] = {}

        def attempt(name: str, task: Task) -> None:
            try:
                task()
            # A driver of a lab's own may fail in any way; the other instruments go on.
            except Exception as error:  # noqa: BLE001
                failed[name] = error
                if isinstance(error, LinkError):
                    self.suspects.add(name)

        lanes: dict[str, list[tuple[str, Task]]] = {}
        for name, task in tasks.items():
            lanes.setdefault(self._link[name], []).append((name, task))
        if len(lanes) == 1 or len(tasks) == 1:
            for name, task in tasks.items():
                attempt(name, task)
        elif lanes:

            def lane(tasks_of_lane: list[tuple[str, Task]]) -> Task:
                def run_one_after_another() -> None:
                    for name, task in tasks_of_lane:
                        attempt(name, task)

                return run_one_after_another

            self._time.together([lane(each) for each in lanes.values()])
        return {name: failed[name] for name in tasks if name in failed}

    def run_or_raise(self, tasks: Mapping[str, Task]) -> None:
        """The same; all failures in one error."""
        raise_all(self.run(tasks))

    def spans(self, seconds: Mapping[str, float]) -> float:
        """How long tasks of so many seconds take together."""
        lanes: dict[str, float] = {}
        for name, each in seconds.items():
            link = self._link[name]
            lanes[link] = lanes.get(link, 0.0) + each
        return max(lanes.values(), default=0.0)


def raise_all(failed: Mapping[str, Exception]) -> None:
    """Raises the failure that matters most, with the others as notes; nothing where none failed.

    What a link spoiled is measured again: it must not hide what has another cause.
    """
    if not failed:
        return
    errors = sorted(failed.values(), key=lambda error: isinstance(error, LinkError))
    for other in errors[1:]:
        errors[0].add_note(f"{type(other).__name__} at the same time: {other}")
    raise errors[0]


def _link(name: str, resource: str) -> str:
    bus = _SHARED_BUS.match(resource)
    if bus:
        return bus[1].lower()
    return resource or name
