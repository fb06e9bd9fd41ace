"""What the pages say: claims, figures, experiments, cells and tasks of one scale, and what belongs
to what.
"""

import dataclasses
import inspect
import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from slowpoints import paths
from slowpoints.notebooks import notebook_page
from slowpoints.paths import ROOT
from slowpoints.plan import dag
from slowpoints.provenance.files import read_json
from slowpoints.provenance.records import read_table
from slowpoints.publish.site import text
from slowpoints.spec.claims import Claim
from slowpoints.spec.experiment import Experiment
from slowpoints.spec.parts import load, names, settings_class
from slowpoints.spec.run import BLOCKS
from slowpoints.spec.stack import Stack


class Judged(NamedTuple):
    """A claim, what was found, and what it rests on."""

    id: str
    claim: Claim
    row: dict[str, Any]  # of the claims table
    test: str  # as YAML
    cells: list[str]
    stacks: list[Stack]  # whose records the claim is computed from

    @property
    def title(self) -> str:
        """Return the statement, with the network it is of."""
        return f"{self.claim.says} ({self.claim.of})" if self.claim.of else self.claim.says


class Figure(NamedTuple):
    """A figure: what its notebook says, and what it reads."""

    name: str
    title: str
    prose: str
    said: str
    tables: list[tuple[str, str]]  # (experiment, table)
    experiments: list[str]
    cells: list[str]


class Study(NamedTuple):
    """An experiment as its page shows it."""

    own: Experiment
    yaml: str
    tests: dict[str, str]  # of its claims, as YAML
    cells: list[str]
    tasks: list[str]
    stacks: list[Stack]
    settings: list[tuple[str, str]]


class Part(NamedTuple):
    """A cell or a task: its file, what this says, and its settings (name, type, default)."""

    name: str
    title: str
    prose: str
    settings: list[tuple[str, str, str]]
    source: str
    facts: dict[str, Any]  # of a cell: equations, parameters, speed


class Facts(NamedTuple):
    """All there is to say at one scale."""

    scale: str
    headlines: list[dict[str, Any]]
    claims: list[Judged]
    figures: dict[str, Figure]
    studies: dict[str, Study]
    cells: dict[str, Part]
    tasks: dict[str, Part]


def gather(scale: str, *, cells: Path) -> Facts:
    """Return everything the pages of one scale say; `cells` has the equations."""
    studies = {name: _study(own) for name, own in dag.experiments(scale).items()}
    rows = {
        row["id"]: row for row in read_table(paths.whole(scale, "claims.csv")).to_dict("records")
    }
    described = read_json(cells)
    return Facts(
        scale,
        read_table(paths.whole(scale, "headlines.csv")).to_dict("records"),
        [
            _judged(claim, study, rows[claim.id])
            for study in studies.values()
            for claim in study.own.claims
        ],
        {name: _figure(scale, name, studies) for name in dag.figure_names()},
        studies,
        {name: _part("cells", name, described[name]) for name in names("cells")},
        {name: _part("tasks", name, {}) for name in names("tasks")},
    )


def _judged(claim: Claim, study: Study, row: dict[str, Any]) -> Judged:
    arms = claim.test.arms()
    own = claim.test.values("cell") or {run.net.cell for run in study.own.runs if run.arm in arms}
    cells = [cell for cell in study.cells if not own or cell in own]
    stacks = [stack for stack in study.stacks if stack.runs[0].net.cell in cells]
    return Judged(claim.id, claim, row, study.tests[claim.id], cells, stacks)


def _figure(scale: str, name: str, studies: dict[str, Study]) -> Figure:
    title, prose = text.notebook_words(ROOT / "notebooks" / f"{name}.ipynb")
    page = Path(paths.figure_page(scale, name)).read_text(encoding="utf-8")
    read = [Path(table) for table in dag.figure_inputs(scale, name).values()]
    tables = [(own, path.stem) for path in read if (own := paths.experiment_of(path)) in studies]
    experiments = list(dict.fromkeys(experiment for experiment, _ in tables))
    cells = sorted({cell for experiment in experiments for cell in studies[experiment].cells})
    return Figure(name, title, prose, notebook_page.said(page), tables, experiments, cells)


def _study(own: Experiment) -> Study:
    source = (ROOT / paths.settings(own.name)).read_text(encoding="utf-8")
    cells, tasks = ({run.net.cell for run in own.runs}, {run.task.name for run in own.runs})
    tests = {
        claim.id: yaml.safe_dump(claim.test.written(), sort_keys=False) for claim in own.claims
    }
    stacks = list(dag.all_stacks(own.scale, own.name).values())
    return Study(own, source, tests, sorted(cells), sorted(tasks), stacks, _settings(own))


def _settings(own: Experiment) -> list[tuple[str, str]]:
    """Return every resolved setting: its value, or its values where runs differ."""
    found: dict[str, dict[str, None]] = {}
    for run in own.runs:
        for block in BLOCKS:
            for key, value in run.blocks.as_json()[block].items():
                found.setdefault(f"{block}.{key}", {})[json.dumps(value)] = None
    return [(key, " · ".join(values)) for key, values in found.items()]


def _part(folder: str, name: str, facts: dict[str, Any]) -> Part:
    said = inspect.getdoc(load(folder, name)) or name
    title, _, prose = said.partition("\n")
    fields = [
        (field.name, _type(field.type), repr(field.default))
        for field in dataclasses.fields(settings_class(folder, name))
    ]
    source = (ROOT / "src" / "slowpoints" / folder / f"{name}.py").read_text(encoding="utf-8")
    return Part(name, title.rstrip("."), prose.strip("\n"), fields, source, facts)


def _type(own: Any) -> str:
    """Return a type as one reads it: the values of a `Literal`, the name of a class."""
    return own.__name__ if isinstance(own, type) else str(own).replace("typing.", "")
