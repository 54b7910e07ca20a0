"""The shipped configs."""

from pathlib import Path

import pytest
import yaml

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.mark.parametrize("section", ["trainer", "data"])
def test_overlays_hold_nothing_else(section):
    for path in (CONFIGS / section).glob("*.yaml"):
        assert set(yaml.safe_load(path.read_text())) == {section}
