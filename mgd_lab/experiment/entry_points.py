"""What packages offer by name, found through entry points and imported when named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

from mgd_lab.errors import ConfigurationError

T = TypeVar("T")


class EntryPoints(Mapping[str, T], Generic[T]):
    """Name → object of one group; an entry is imported when it is looked up."""

    def __init__(self, group: str, kind: type[T]) -> None:
        self._group = group
        self._kind = kind
        self._entries = {entry.name: entry for entry in entry_points(group=group)}

    def __getitem__(self, name: str) -> T:
        entry = self._entries[name]
        found = _load(entry)
        if not isinstance(found, self._kind):
            raise ConfigurationError(
                f"entry point {name!r} of group {self._group} gives a "
                f"{type(found).__name__}, not a {self._kind.__name__}"
            )
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _load(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    # A driver of a lab's own may fail, or end the program, when it is imported.
    except (Exception, SystemExit) as error:
        package = entry.value.split(":")[0].split(".")[0]
        spec = find_spec(package)
        where = "nowhere" if spec is None else str(spec.origin or spec.submodule_search_locations)
        raise ConfigurationError(
            f"entry point {entry.name!r} ({entry.value}) cannot be loaded: "
            f"{type(error).__name__}: {error}. The package "
            f"{package!r} was found at {where}; if that is another package of the same name, "
            "remove it from this environment or put it later on the path"
        ) from error
