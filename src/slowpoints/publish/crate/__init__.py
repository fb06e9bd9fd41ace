"""A finished run as an RO-Crate: a zip of the project and its results, with a description in terms
others can read.

It follows the profile Provenance Run Crate: the workflow, its rules as tools, and one action per
job. Times are those of training jobs; of the others none is recorded, and none is told. Weights and
arrays stay out; records have their checksums.
"""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import yaml
from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from slowpoints import paths
from slowpoints.errors import SlowpointsError
from slowpoints.provenance import jobs as done
from slowpoints.provenance.files import atomic
from slowpoints.publish.crate.actions import RULES, Action, actions
from slowpoints.publish.crate.contents import files, properties

WFRUN = "https://w3id.org/ro/wfrun"
PROFILES = {
    f"{WFRUN}/process/0.5": ("Process Run Crate", "0.5"),
    f"{WFRUN}/workflow/0.5": ("Workflow Run Crate", "0.5"),
    f"{WFRUN}/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
WORKFLOW = {
    "Snakefile": {"@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]}
}
METADATA = "ro-crate-metadata.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold: equal runs are equal bytes
LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
COMPLETED = "http://schema.org/CompletedActionStatus"
LICENCES = {"MIT": "https://spdx.org/licenses/MIT"}


def write(root: Path, scale: str, out: Path) -> None:
    """Write the archive of the run at `scale` to `out`."""
    packed = files(root, scale)
    text = (
        json.dumps(describe(root, scale, packed), indent=1, sort_keys=True, ensure_ascii=False)
        + "\n"
    )
    with atomic(out) as partial, zipfile.ZipFile(partial, "w") as archive:
        _add(archive, METADATA, text.encode())
        for file in packed:
            _add(archive, file, (root / file).read_bytes())


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, compress_type=zipfile.ZIP_DEFLATED)


def describe(root: Path, scale: str, packed: list[str]) -> dict[str, Any]:
    """Return the description of the run: what is in it, who and what made it, and how."""
    jobs = done.read_all(root, scale)
    if not jobs:
        raise SlowpointsError(
            f"{paths.results(scale)}: no records; make them with: snakemake --cores 2 --config "
            f"scale={scale}"
        )
    run = actions(scale, jobs, set(packed))
    crate = ROCrate(version="1.1")
    crate.datePublished = max(one.end for one in run)
    about = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    parts = {
        file: crate.add_file(
            root / file, file, properties=properties(root, file) | WORKFLOW.get(file, {})
        )
        for file in packed
    }
    _root(crate, about, scale)
    _data(crate, root, parts)
    _workflow(crate, root, parts, about)
    _run(crate, parts, run, scale)
    graph = crate.metadata.generate()
    return {
        "@context": graph["@context"],
        "@graph": sorted(map(_sorted, graph["@graph"]), key=lambda one: str(one["@id"])),
    }


def _sorted(entity: dict[str, Any]) -> dict[str, Any]:
    """Return an entity with its lists of references in order, a single one by itself."""
    return {
        key: _in_order(value) if isinstance(value, list) else value for key, value in entity.items()
    }


def _in_order(values: list[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    return (
        sorted(values, key=lambda v: str(v["@id"]))
        if all(isinstance(v, dict) for v in values)
        else values
    )


def _entity(crate: ROCrate, identifier: str, kind: str, /, **about: Any) -> Any:
    return crate.add(ContextEntity(crate, identifier, {"@type": kind} | about))


def _root(crate: ROCrate, about: dict[str, Any], scale: str) -> None:
    crate.name = f"{about['title']}: a run at the scale {scale}"
    crate.description = (
        f"{about['abstract']} This archive holds one run and all that made it, weights apart."
    )
    crate.license = _entity(
        crate, LICENCES[about["license"]], "CreativeWork", name=f"{about['license']} licence"
    )
    crate.creator = [
        _entity(crate, f"#author-{i}", "Organization", name=one["name"])
        for i, one in enumerate(about["authors"])
    ]
    crate.publisher = crate.creator[0]
    crate.root_dataset["author"] = crate.creator
    crate.metadata["conformsTo"] = [
        {"@id": "https://w3id.org/ro/crate/1.1"},
        {"@id": list(PROFILES)[-1]},
    ]
    crate.keywords = ", ".join(about["keywords"])
    crate.root_dataset["conformsTo"] = [
        _entity(crate, url, "CreativeWork", name=name, version=version)
        for url, (name, version) in PROFILES.items()
    ]
    crate.root_dataset["citation"] = [
        _entity(
            crate, one["url"], "ScholarlyArticle", name=one["title"], datePublished=str(one["year"])
        )
        for one in about["references"]
    ]


def _data(crate: ROCrate, root: Path, parts: dict[str, Any]) -> None:
    """Say of each shipped data set what it is, whence it comes and under which licence."""
    registry = json.loads((root / "data" / "registry.json").read_text(encoding="utf-8"))["datasets"]
    for name, own in registry.items():
        inner = [part for file, part in parts.items() if file.startswith(f"data/{name}/")]
        if inner:
            about = {"name": name, "description": own["source"], "license": own["licence"]}
            crate.add_dataset(dest_path=f"data/{name}/", properties=about)["hasPart"] = inner


def _workflow(crate: ROCrate, root: Path, parts: dict[str, Any], about: dict[str, Any]) -> None:
    """Say what the workflow is made of: its rules, each a tool and a step."""
    site = {"@id": "https://snakemake.github.io"}
    language = _entity(
        crate,
        LANGUAGE,
        "ComputerLanguage",
        name="Snakemake",
        alternateName="Snakemake",
        identifier=site,
        url=site,
    )
    main = parts["Snakefile"]
    main["name"] = about["title"]
    main["version"] = about["version"]
    main["license"] = crate.license
    main["creator"] = crate.creator
    main["programmingLanguage"] = language
    crate.root_dataset["mainEntity"] = main
    parts["README.md"]["about"] = crate.root_dataset
    main["hasPart"], main["step"] = [], []
    for position, (rule, (does, file)) in enumerate(RULES.items()):
        code = f"workflow/rules/{file}.smk"
        tool = crate.add(
            ContextEntity(
                crate,
                f"#{rule}",
                {
                    "@type": "SoftwareApplication",
                    "name": rule,
                    "description": does,
                    "softwareVersion": about["version"],
                    "url": "#" + rule,
                },
            )
        )
        tool["isPartOf"] = parts[code]
        step = crate.add(
            ContextEntity(
                crate,
                f"#step-{rule}",
                {"@type": "HowToStep", "name": does, "position": str(position)},
            )
        )
        step["workExample"] = tool
        main.append_to("hasPart", tool)
        main.append_to("step", step)
    lock = (root / "envs" / "driver.lock").read_text(encoding="utf-8")
    (version,) = re.findall(r"^snakemake==([^ ]+)", lock, re.MULTILINE)
    _entity(
        crate,
        "#snakemake",
        "SoftwareApplication",
        name="Snakemake",
        softwareVersion=version,
        url=site["@id"],
    )


def _run(crate: ROCrate, parts: dict[str, Any], run: list[Action], scale: str) -> None:
    """Say what was run: the workflow as a whole, every job, and the engine that started them."""
    begin, end = min(one.begin for one in run if one.begin), max(one.end for one in run)
    made = [parts[file] for one in run for file in one.leaves]
    given = [
        part
        for file, part in parts.items()
        if file.startswith("config/") or file == "data/registry.json"
    ]
    whole = _entity(
        crate,
        "#run",
        "CreateAction",
        name=f"the run at the scale {scale}",
        startTime=begin,
        endTime=end,
        description="Begin and end are those of the training jobs.",
        actionStatus=COMPLETED,
    )
    whole["instrument"], whole["object"], whole["result"] = parts["Snakefile"], given, made
    crate.root_dataset["mentions"] = [whole]
    controls = []
    for one in run:
        times = {
            key: value for key, value in (("startTime", one.begin), ("endTime", one.end)) if value
        }
        name = one.name.replace(" ", "/")
        told = {"description": one.description or RULES[one.rule][0]}
        job = _entity(
            crate,
            f"#job/{name}",
            "CreateAction",
            name=one.name,
            actionStatus=COMPLETED,
            **times,
            **told,
        )
        job["instrument"] = crate.dereference(f"#{one.rule}")
        job["object"] = [parts[file] for file in one.reads]
        job["result"] = [parts[file] for file in one.leaves]
        control = _entity(
            crate,
            f"#control/{name}",
            "ControlAction",
            name=f"start {one.name}",
            actionStatus=COMPLETED,
        )
        control["instrument"], control["object"] = crate.dereference(f"#step-{one.rule}"), job
        controls.append(control)
        crate.root_dataset.append_to("mentions", job)
    engine = _entity(
        crate, "#engine", "OrganizeAction", name="Snakemake starts the jobs", actionStatus=COMPLETED
    )
    engine["instrument"], engine["object"], engine["result"] = (
        crate.dereference("#snakemake"),
        controls,
        whole,
    )
