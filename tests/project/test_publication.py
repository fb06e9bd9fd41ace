"""What others need to cite, to reuse and to find the project.

Citation, licences, changelog, the catalog's files.
"""

import json
import re
import tomllib

import jsonschema
import pytest
import yaml

from helpers.plans import ROOT
from slowpoints.command_line.options import PAPERS
from slowpoints.spec.reading import read_yaml

CITATION = read_yaml(ROOT / "CITATION.cff")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CONFIG = read_yaml(ROOT / "workflow" / "schemas" / "config.schema.yaml")["properties"]

PERSON = {
    "type": "object",
    "required": ["family-names", "given-names"],
    "additionalProperties": False,
    "properties": {"family-names": {"type": "string"}, "given-names": {"type": "string"}},
}
ENTITY = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string"}},
}
TEXT = {"type": "string", "minLength": 1}
AUTHORS = {"type": "array", "minItems": 1, "items": {"oneOf": [PERSON, ENTITY]}}
REFERENCE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "title", "authors"],
    "properties": {
        "type": {"enum": ["article", "conference-paper"]},
        "title": TEXT,
        "year": {"type": "integer"},
        "url": {"type": "string", "pattern": "^https://"},
        "authors": AUTHORS,
    },
}
CFF = {  # the part of the Citation File Format 1.2.0 that we use
    "type": "object",
    "additionalProperties": False,
    "required": ["cff-version", "message", "title", "authors"],
    "properties": {
        "cff-version": {"const": "1.2.0"},
        "message": TEXT,
        "title": TEXT,
        "abstract": TEXT,
        "authors": AUTHORS,
        "type": {"enum": ["software", "dataset"]},
        "version": TEXT,
        "license": {"const": "MIT"},
        "keywords": {"type": "array", "items": TEXT, "uniqueItems": True},
        "references": {"type": "array", "items": REFERENCE},
    },
}


def test_the_citation_file_keeps_to_its_format():
    jsonschema.validate(CITATION, CFF)


def test_the_citation_agrees_with_the_package():
    assert CITATION["version"] == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["authors"] == PROJECT["authors"]


def test_the_citation_refers_to_the_papers_as_the_bibliography_does():
    entries = (ROOT / "paper" / "refs.bib").read_text("utf-8")
    assert len(CITATION["references"]) == len(PAPERS)
    for reference in CITATION["references"]:
        names = " and ".join(
            f"{a['family-names']}, {a['given-names']}" for a in reference["authors"]
        )
        assert f"author = {{{names}}}" in entries
        assert f"title = {{{reference['title']}}}" in entries


def test_the_changelog_has_the_form_of_keep_a_changelog():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    heads = re.findall(r"^## (.*)", text, re.MULTILINE)
    assert heads[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", head) for head in heads[1:])
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)", text, re.MULTILINE)) <= kinds


REGISTRY = json.loads((ROOT / "data" / "registry.json").read_text("utf-8"))
LICENCES = {  # short names, as in the registry, and the words by which the texts are known
    "MIT": "The MIT License (MIT)",
    "CC BY-SA": "https://creativecommons.org/licenses/by-sa/3.0/",
    "GFDL": "GNU Free Documentation License",
}


def shipped() -> list[str]:
    return sorted(
        path.name
        for path in (ROOT / "data").iterdir()
        if path.is_dir() and path.name not in ("LICENSES", "downloads")
    )


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_data_set_has_its_licence_and_its_source(name):
    own = REGISTRY["datasets"][name]
    (address,) = re.findall(r"https?://[^\s;,:]+(?:/[^\s;,:]*)?", own["source"])
    (row,) = [line for line in (ROOT / "data" / "README.md").read_text("utf-8").splitlines()
              if f"`{name}`" in line and "LICENSES/" in line]  # fmt: skip
    (file,) = re.findall(r"\((LICENSES/[^)]+)\)", row)
    licence = (ROOT / "data" / file).read_text("utf-8")
    named = {short for short in LICENCES if short in own["licence"]}
    assert named
    assert named == {short for short, words in LICENCES.items() if words in licence}
    holders = re.findall(r"copyright (?:\d{4} )?(.+)$", own["licence"])
    assert all(holder in licence for holder in holders)
    # The MIT licence stands as its holder gave it; the others are described by us, with the source.
    assert address in licence or (named == {"MIT"} and holders)


def test_the_projects_licence_is_the_one_its_package_names():
    assert [
        (ROOT / file).read_text("utf-8").partition(" License\n")[0]
        for file in PROJECT["license-files"]
    ] == [PROJECT["license"]]


def test_what_snakemakes_catalog_asks_for_is_there():
    assert 'include: "../Snakefile"' in (ROOT / "workflow" / "Snakefile").read_text("utf-8")
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text("utf-8"))["usage"]
    assert set(usage["software-stack-deployment"]) == {
        "conda",
        "apptainer",
        "apptainer+conda",
        "report",
    }


def words_of(setting: dict) -> list[str]:
    """Return the words that a setting of the schema may be, those of its alternatives included."""
    alternatives = setting.get("oneOf", [])
    own = [setting["const"]] if "const" in setting else setting.get("enum", [])
    return [*own, *(word for one in alternatives for word in words_of(one))]


def test_every_setting_is_explained_with_its_values_and_its_default():
    text = (ROOT / "config" / "README.md").read_text("utf-8")
    rows = {
        row[0]: row[1:]
        for row in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|", text, re.MULTILINE)
    }
    defaults = read_yaml(ROOT / "config" / "config.yaml")
    assert list(rows) == list(CONFIG) == list(defaults)
    for name, (values, default) in rows.items():
        assert default.strip("`") == (defaults[name] or "empty")
        assert re.findall(r"`(\w+)`", values) == words_of(CONFIG[name])
