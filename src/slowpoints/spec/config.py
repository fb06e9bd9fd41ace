"""What a user sets in config/config.yaml and with --config.

Checked against its schema, in one line.
"""

import os
from pathlib import Path
from typing import Any

from slowpoints.spec.reading import read_yaml
from slowpoints.spec.strict import SpecError, unknown

FILE = Path("config/config.yaml")
SCHEMA = Path("workflow/schemas/config.schema.yaml")


def check(config: dict[str, Any], *, root: Path) -> None:
    """Refuse what the schema does not know, and what does not go together.

    config: of the file and of --config
    """
    from jsonschema import Draft202012Validator

    # as strictly as an experiment: Snakemake would let the later of two equal keys count
    read_yaml(root / FILE)
    schema = read_yaml(root / SCHEMA)
    where = f"{FILE} or --config"
    for key in config:
        if key not in schema["properties"]:
            raise unknown(key, schema["properties"], what="key", where=where)
    for error in Draft202012Validator(schema).iter_errors(config):
        if not error.path:
            raise SpecError(f"{where}: {error.message}")
        key = str(error.path[0])
        own = schema["properties"][key]
        raise SpecError(
            f"{where}: {key}: {error.message[:200]}; it is {_allowed(own)}. {own['description']}"
        )
    if config["matmul"] != "float32" and config["device"] == "cpu":
        raise SpecError(
            f"{where}: matmul is 'tf32' but device is 'cpu': only a GPU has it; leave matmul "
            "at float32"
        )
    if (
        config["device"] == "cuda"
        and config["torch"] == "cpu"
        and os.environ.get("SLOWPOINTS_ENVS") != "active"
    ):
        raise SpecError(
            f"{where}: device is 'cuda' but torch is 'cpu': a CPU build finds no GPU; add "
            "torch=cuda, or leave device"
            " at cpu"
        )
    if config["data_dir"] and not Path(config["data_dir"]).is_dir():
        raise SpecError(
            f"{where}: data_dir: {config['data_dir']!r} is not a folder; name the one with "
            "your copies"
        )


def _allowed(own: dict[str, Any]) -> str:
    """Return in words what a key takes."""
    if "enum" in own:
        return "one of " + ", ".join(own["enum"])
    if "oneOf" in own:
        return " or ".join(_allowed(other) for other in own["oneOf"])
    return (
        str(own["const"])
        if "const" in own
        else f"a {own['type']} from {own['minimum']}"
        if "minimum" in own
        else "text"
    )
