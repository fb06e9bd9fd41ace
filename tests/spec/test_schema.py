"""The schema that editors use says what the strict reader says."""

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from helpers.plans import ROOT
from slowpoints.spec.experiment import Envelope
from slowpoints.spec.settings import NetSettings
from slowpoints.spec.training import TrainSettings

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/experiment.schema.yaml").read_text())
CONFIG = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
EXPERIMENTS = sorted((ROOT / "config/experiments").glob("*.yaml"))


@pytest.mark.parametrize(
    ("cls", "part"),
    [
        (Envelope, SCHEMA),
        (NetSettings, SCHEMA["properties"]["net"]),
        (TrainSettings, SCHEMA["properties"]["train"]),
    ],
)
def test_schema_and_dataclass_have_the_same_keys(cls: type[Any], part: dict[str, Any]) -> None:
    assert set(part["properties"]) == {f.name for f in fields(cls)}
    needed = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}
    assert set(part["required"]) == needed


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda p: p.stem)
def test_every_experiment_fits_the_schema_and_points_to_it(path: Path) -> None:
    assert [
        e.message
        for e in Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(path.read_text()))
    ] == []
    assert (
        path.read_text()
        .splitlines()[0]
        .endswith("$schema=../../workflow/schemas/experiment.schema.yaml")
    )


def test_the_schema_refuses_a_misspelt_key() -> None:
    data = yaml.safe_load(EXPERIMENTS[0].read_text()) | {"sedes": 3}
    assert any("sedes" in e.message for e in Draft202012Validator(SCHEMA).iter_errors(data))


def test_the_configuration_fits_its_schema() -> None:
    data = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert list(Draft202012Validator(CONFIG).iter_errors(data)) == []
    assert list(Draft202012Validator(CONFIG).iter_errors(data | {"scale": "labtop"})) != []
