"""The archive of a run: what is in it, that it keeps to its profile, and that equal runs are equal
bytes.
"""

import json
import shutil
import zipfile

import pytest

from helpers import made_run
from helpers.plans import ROOT
from slowpoints.publish import crate
from slowpoints.publish.crate.check import problems
from slowpoints.publish.crate.contents import files

# of rdflib, inside the validator
pytestmark = pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")
# What the profile recommends and nothing records: who started the run, an address, the end of short
# jobs.
NOT_KNOWN = {
    "The organization SHOULD have a URL.",
    "The Action SHOULD have an agent that is a Person or Organization",
    "The Application SHOULD have a url",
    "The SoftwareApplication id SHOULD be an absolute URI",
    "The Action SHOULD have an endTime in ISO 8601 format",
    "The Main Workflow SHOULD comply with Bioschemas ComputationalWorkflow profile version 1.0 "
    "or later",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    for file in files(ROOT, "nothing"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, folder / file)
    made_run.run(folder)
    crate.write(folder, "smoke", folder / "crate.zip")
    return folder


@pytest.fixture(scope="module")
def graph(root):
    with zipfile.ZipFile(root / "crate.zip") as archive:
        text = json.loads(archive.read(crate.METADATA))
    return {entity["@id"]: entity for entity in text["@graph"]}


def test_it_keeps_to_the_profile_as_far_as_the_records_go(root):
    found = problems(root / "crate.zip")
    assert found["required"] == set()
    assert found["recommended"] <= NOT_KNOWN


def test_a_description_that_breaks_the_profile_is_seen(root, tmp_path):
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(root / "crate.zip") as whole, zipfile.ZipFile(broken, "w") as part:
        for name in whole.namelist():
            content = whole.read(name)
            if name == crate.METADATA:
                content = content.replace(b'"workExample"', b'"example"')
            part.writestr(name, content)
    assert any("workExample" in message for message in problems(broken)["required"])


def test_equal_runs_are_equal_bytes(root):
    crate.write(root, "smoke", root / "again.zip")
    assert (root / "again.zip").read_bytes() == (root / "crate.zip").read_bytes()


def test_the_archive_holds_the_project_and_the_results_without_weights(root):
    with zipfile.ZipFile(root / "crate.zip") as archive:
        names = archive.namelist()
    for name in (
        "Snakefile",
        "envs/train.lock",
        "config/experiments/long2016-state.yaml",
        "data/LICENSES/mnist.txt",
        "src/slowpoints/cells/gru.py",
        "results/smoke/claims.csv",
        "results/smoke/paper.pdf",
        "results/smoke/long2016-state/runs/gru-00000000-0.jsonl",
        "CITATION.cff",
        "LICENSE",
    ):
        assert name in names, name
    assert not [name for name in names if name.endswith(".safetensors") or "__pycache__" in name]


def test_every_training_job_is_an_action_with_its_times_its_commit_and_its_files(graph):
    job = graph["#job/train/long2016-state/gru-00000000-0"]
    assert job["startTime"] == "2026-01-02T03:04:05+00:00"
    assert job["endTime"] == "2026-01-02T03:04:41+00:00"
    assert "e" * 40 in job["description"]
    left = {one["@id"] for one in job["result"]}
    assert "results/smoke/long2016-state/runs/gru-00000000-0.jsonl" in left
    assert graph["#control/train/long2016-state/gru-00000000-0"]["object"] == {"@id": job["@id"]}


def test_shipped_data_are_described_with_their_licences(graph):
    for name in ("mnist14", "fashion14", "text8-1m"):
        assert graph[f"data/{name}/"]["license"]
        assert graph[f"data/{name}/"]["description"]


def test_the_authors_are_those_of_the_citation(graph):
    assert graph["#author-0"]["name"] == "the slowpoints developers"
    assert graph["./"]["author"] == {"@id": "#author-0"}
