"""The other files that users write.

The configuration, spaces of settings, and the list of pinned data.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from hypothesis.strategies import SearchStrategy

from slowpoints.paths import ROOT
from slowpoints.spec import config, registry, tuning
from slowpoints.spec.experiment import load
from slowpoints.spec.reading import read_yaml
from slowpoints.spec.strict import SpecError
from tests.fuzz.mutants import Mutant, Tree, tree_mutants, value_at, word_mutants
from tests.fuzz.plans import MOST_CHARACTERS, Answer

# an experiment that reads the space
USERS = {
    "collins2017": "collins2017-random",
    "narrow": "collins2017-capacity",
    "rates": "collins2017-path-adding",
}


def sources(
    folder: Path,
) -> dict[str, tuple[SearchStrategy[Mutant], Callable[[Mutant], Answer], int]]:
    """Return {what is changed: (its mutants, what becomes of one, its share in percent)}."""
    configs = {"config": read_yaml(ROOT / config.FILE)}
    spaces = {path.stem: read_yaml(path) for path in sorted(tuning.SPACES.glob("*.yaml"))}
    pins = {"registry": json.loads((ROOT / "data" / "registry.json").read_text(encoding="utf-8"))}
    (folder / "config").mkdir()
    (folder / "workflow" / "schemas").mkdir(parents=True)
    shutil.copy(ROOT / config.SCHEMA, folder / config.SCHEMA)
    shutil.copytree(tuning.SPACES, folder / "spaces")

    def configured(mutant: Mutant) -> Answer:
        (folder / config.FILE).write_bytes(mutant.content)

        def check() -> Tree:
            config.check(_as_snakemake(folder / config.FILE), root=folder)
            return read_yaml(folder / config.FILE)

        return _answer(check, mutant, "config.yaml", configs["config"])

    def spaced(mutant: Mutant) -> Answer:
        (folder / "spaces" / f"{mutant.file}.yaml").write_bytes(mutant.content)

        def check() -> Tree:
            load(ROOT / "config" / "experiments" / f"{USERS[mutant.file]}.yaml", scale="smoke")
            return read_yaml(folder / "spaces" / f"{mutant.file}.yaml")

        with patch.object(tuning, "SPACES", folder / "spaces"):
            answer = _answer(check, mutant, f"{mutant.file}.yaml", spaces[mutant.file])
        shutil.copy(tuning.SPACES / f"{mutant.file}.yaml", folder / "spaces")
        return answer

    def pinned(mutant: Mutant) -> Answer:
        (folder / "registry.json").write_text(
            json.dumps(yaml.safe_load(mutant.content)), encoding="utf-8"
        )
        return _answer(
            lambda: registry.check(folder / "registry.json"),
            mutant,
            "registry.json",
            pins["registry"],
        )

    return {
        "the configuration": (tree_mutants(configs) | word_mutants(configs), configured, 5),
        "a space": (tree_mutants(spaces) | word_mutants(spaces), spaced, 5),
        "the list of pinned data": (tree_mutants(pins), pinned, 5),
    }


def _as_snakemake(path: Path) -> Any:
    """Return what Snakemake, which reads the file first, hands on.

    Our own message where it cannot read it either.
    """
    try:
        return yaml.safe_load(path.read_bytes()) or {}
    except (yaml.YAMLError, ValueError, RecursionError):
        return read_yaml(path)


def _answer(check: Callable[[], Tree], mutant: Mutant, name: str, before: Tree) -> Answer:
    """Return what became of a mutant; one that is accepted must be read as it is written."""
    try:
        read = check()
    except SpecError as error:
        message = str(error)
        if name not in message:
            return Answer(message, f"the message does not name the file: {message}")
        long = len(message) > MOST_CHARACTERS or "\n" in message
        return Answer(message, f"the message has {len(message)} characters" if long else "")
    except (
        Exception
    ) as error:  # whatever else comes out of planning is a hole, and is listed as one
        return Answer(str(error), f"a traceback: {type(error).__name__}: {error}")
    is_value = mutant.kind in ("mistyped", "out of range", "another value") and read != before
    if is_value and value_at(read, mutant.path) != mutant.new:
        return Answer("", f"{mutant.new!r} became {value_at(read, mutant.path)!r}")
    return Answer("")
