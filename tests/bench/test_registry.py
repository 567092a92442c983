"""Drivers of other packages: broken ones are named, and nobody else pays for them."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from mgd_lab.bench.registry import CHIPS, EntryPoints, SettingsOfDrivers, chip_drivers
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment import ChipDriver
from mgd_lab.experiment import entry_points as installed_entry_points


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Adds entry points; `package` writes a module that can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    real = installed_entry_points.entry_points
    extra: list[EntryPoint] = []

    def entry_points(*, group):
        return [*real(group=group), *(entry for entry in extra if entry.group == group)]

    monkeypatch.setattr(installed_entry_points, "entry_points", entry_points)

    def add(name: str, value: str, text: str | None = None) -> None:
        module = value.split(":")[0]
        if text is not None:
            (tmp_path / f"{module}.py").write_text(text)
            monkeypatch.delitem(sys.modules, module, raising=False)
        extra.append(EntryPoint(name, value, CHIPS))

    return add


def test_what_we_ship():
    drivers = chip_drivers()
    assert {"emulated", "scpi"} <= set(drivers)
    assert isinstance(drivers["emulated"], ChipDriver)
    assert len(drivers) == len(list(drivers))
    with pytest.raises(KeyError):
        drivers["no such driver"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No module named"),
        ("import no_such_library_anywhere", "no_such_library_anywhere"),
        ("OTHER = 1", "DRIVER"),
        ("DRIVER = ", "SyntaxError"),
        ("raise RuntimeError('no licence found')", "no licence found"),
        ("raise OSError('libdaq.so: cannot open')", "libdaq.so"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_driver_that_cannot_be_loaded(installed, text, reason):
    installed("lab", "lab_driver_broken:DRIVER", text)
    with pytest.raises(ConfigurationError) as caught:
        chip_drivers()["lab"]
    for part in ("'lab'", "lab_driver_broken:DRIVER", reason):
        assert part in str(caught.value)


def test_a_driver_that_is_something_else(installed):
    installed("lab", "lab_driver_wrong:DRIVER", "DRIVER = 'text'")
    with pytest.raises(ConfigurationError, match=r"'lab'.*gives a str, not a ChipDriver"):
        chip_drivers()["lab"]


def test_another_package_of_the_same_name_is_named_with_its_place(installed, tmp_path):
    installed("lab", "drivers_of_lab:DRIVER", "")
    with pytest.raises(ConfigurationError, match="another package of the same name") as caught:
        chip_drivers()["lab"]
    assert str(tmp_path) in str(caught.value)


def test_a_broken_driver_harms_nobody_who_does_not_name_it(installed, load):
    installed("lab", "lab_driver_broken:DRIVER", "raise RuntimeError")
    assert load().experiment.chip.driver == "emulated"
    assert "lab" in list(SettingsOfDrivers(chip_drivers()))


def test_drivers_are_imported_when_they_are_named(installed):
    installed("lab", "lab_driver_lazy:DRIVER", "DRIVER = None")
    assert "lab" in list(chip_drivers())
    assert len(chip_drivers()) >= 3
    assert "lab_driver_lazy" not in sys.modules


def test_a_driver_of_a_lab(installed, load, tmp_path):
    from mgd_lab import run

    installed(
        "lab",
        "lab_driver_good:DRIVER",
        "from sim_instruments.emulated import DRIVER",
    )
    result = run(load(chip={"driver": "lab"}), runs_dir=tmp_path / "runs")
    assert result.status == "finished"


def test_a_group_that_nobody_uses():
    assert list(EntryPoints("mgd_lab.nothing", ModuleType)) == []
