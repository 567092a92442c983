"""Every section of an instrument in docs/adapters.md is one that can be built."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from drivers.instruments import pymeasure_adapter, qcodes_adapter
from drivers.instruments.pymeasure_adapter import PyMeasureSettings
from drivers.instruments.qcodes_adapter import QCodesSettings

PAGE = (Path(__file__).parents[4] / "docs" / "adapters.md").read_text(encoding="utf-8")
SECTIONS = [YAML(typ="safe").load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)]
DRIVERS = {"pymeasure": pymeasure_adapter.DRIVER, "qcodes": qcodes_adapter.DRIVER}


@pytest.mark.parametrize("section", SECTIONS, ids=[each["driver"] for each in SECTIONS])
def test_a_section_that_is_shown(section):
    pytest.importorskip(section["driver"])
    driver = DRIVERS[section["driver"]]
    settings = driver.settings.model_validate_json(json.dumps(section), strict=True)
    built = driver.build("smu", settings, "@py")
    assert "v" in [channel.name for channel in built.channels]


def test_every_key_is_explained():
    assert [each["driver"] for each in SECTIONS] == ["pymeasure", "qcodes"]
    for settings in (PyMeasureSettings, QCodesSettings):
        for key, field in settings.model_fields.items():
            assert f"`{field.alias or key}`" in PAGE or key == "driver"
