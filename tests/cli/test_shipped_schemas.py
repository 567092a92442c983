"""The schemas beside the shipped configs are those that `mgd-lab schema` prints."""

from pathlib import Path

import pytest

SCHEMAS = Path(__file__).parents[2] / "configs" / "schema"


@pytest.mark.parametrize(("name", "options"), [("experiment", ()), ("chip", ("--chip",))])
def test_the_schema_files_are_up_to_date(desk, name, options):
    """If not: mgd-lab schema > configs/schema/experiment.json, and --chip > …/chip.json."""
    assert (SCHEMAS / f"{name}.json").read_text() == desk.call("schema", *options).out
