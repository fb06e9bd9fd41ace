#!/usr/bin/env python3
"""What pods would run, run here: one table through profiles/kubernetes, a stand-in cluster and a
stand-in store.

Everything but Kubernetes itself and its containers. Writes docs/benchmarks/kubernetes.md and
docs/benchmarks/kubernetes.json.
"""

import json
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from comparison import ROOT, compare, copy_project
from s3_test import download, snakemake, store
from stand_in_cluster import kubernetes

from slowpoints.machine.started import heed_signals

TABLE = "results/smoke/haviv2019-budget/tables/outcomes.csv"
# the profile has the keys; only other stores than Amazon's need this
ENDPOINT = "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL"
KEYS = ("SNAKEMAKE_STORAGE_S3_ACCESS_KEY", "SNAKEMAKE_STORAGE_S3_SECRET_KEY")

PAGE = """\
# What pods would run

Written by `make kubernetes-test`: Snakemake {snakemake} with its Kubernetes plugin {plugin} and `profiles/kubernetes`.
**There was no cluster and no container**: a stand-in took the plugin's requests and ran the command of each pod in an
empty folder on this machine, results in moto's stand-in for a store.

| | |
|---|---|
| run | `{table}` and all it needs |
| pods | {pods}; {ended} of them ended well |
| a training pod asks for | {asks} |
| result files equal to the byte to those of a run on one machine | {equal} |
| files that differ | {differ} |
| files that only one has | {missing} |
"""


def page(found: dict[str, Any]) -> str:
    shown = {
        name: ", ".join(f"`{own}`" for own in found[name]) or "none"
        for name in ("differ", "missing")
    }
    asks = ", ".join(f"`{name}: {value}`" for name, value in found["asks"].items())
    return PAGE.format(**found | shown | {"asks": asks, "table": TABLE})


def main() -> None:
    heed_signals()
    with tempfile.TemporaryDirectory(prefix="slowpoints-pods-") as name:
        folder = Path(name)
        here, plain = folder / "here", folder / "plain"
        copy_project(here, "driver", "kubernetes", "s3server")
        copy_project(plain, "driver", "train", "analysis")
        for words in (("init", "-q"), ("add", "-A")):  # pods get what git tracks
            subprocess.run(["git", "-C", str(here), *words], check=True)
        python = here / ".envs/kubernetes/bin/python"
        options = ["--profile", "profiles/kubernetes", "--seconds-between-status-checks", "5"]
        options += ["--envvars", *KEYS, ENDPOINT, "--config", "scale=smoke"]
        with store(here) as client, kubernetes(folder / "cluster", python=python) as cluster:
            snakemake(here, "kubernetes", *options, "--", TABLE)
            download(client, folder / "fetched")
        snakemake(plain, "driver", "--cores", "1", "--config", "scale=smoke", "--", TABLE)
        (first,) = next(iter(cluster.jobs.values()))["spec"]["template"]["spec"]["containers"]
        found = {
            "snakemake": version("snakemake"),
            "plugin": version("snakemake-executor-plugin-kubernetes"),
            "pods": len(cluster.jobs),
            "ended": sum(code == 0 for code in cluster.ended.values()),
            "asks": first["resources"]["limits"],
        } | compare(folder / "fetched/results", plain / "results")
    (ROOT / "docs/benchmarks/kubernetes.json").write_text(
        json.dumps(found, indent=1) + "\n", encoding="utf-8"
    )
    (ROOT / "docs/benchmarks/kubernetes.md").write_text(page(found), encoding="utf-8")
    if found["differ"] or found["missing"]:
        raise SystemExit("kubernetes-test: not as it should be; see docs/benchmarks/kubernetes.md")


if __name__ == "__main__":
    main()
