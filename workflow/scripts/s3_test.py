#!/usr/bin/env python3
"""Results in an object store: a dry run of everything, one figure for real, and the same figure
without it.

The store is a stand-in on this machine (moto's server, in the stage s3server). Writes s3.md and
s3.json in docs/benchmarks.
"""

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from comparison import ROOT, compare, copy_project

from slowpoints.machine.started import heed_signals, started

BUCKET = "slowpoints"  # as in profiles/s3
FIGURE = "results/smoke/figures/haviv2019-budget.pdf"
# where Snakemake keeps what it has fetched, or not yet stored
PREFIX = Path(".snakemake/storage/s3") / BUCKET
UP_S = 60.0  # the store has so long to come up


@contextmanager
def store(project: Path) -> Iterator[Any]:
    """Run an empty object store with one bucket, and yield a client of it."""
    port = free_port()
    command = [
        str(project / "workflow/scripts/stage"),
        "s3server",
        "-m",
        "moto.server",
        "-H",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    endpoint = f"http://127.0.0.1:{port}"
    surroundings = {
        "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": endpoint,
        "SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "test",
        "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "test",
    }
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with mock.patch.dict(os.environ, surroundings), started(command, **silent) as server:
        wait_for(server, port)
        keys = {
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "region_name": "us-east-1",
        }
        client = boto3.client("s3", endpoint_url=endpoint, **keys)
        client.create_bucket(Bucket=BUCKET)
        yield client


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(server: subprocess.Popen[Any], port: int, *, seconds: float = UP_S) -> None:
    """Return once a server listens on `port`; where it ends or stays silent, end the test."""
    deadline = time.monotonic() + seconds
    while True:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(
                f"the stand-in for a store does not come up on port {port}; exit status "
                f"{server.poll()}"
            )
        time.sleep(0.5)


def snakemake(project: Path, stage: str, *words: str) -> str:
    """Return what Snakemake says; a failure of it ends the test."""
    command = [str(project / "workflow/scripts/stage"), stage, "-m", "snakemake", *words]
    output = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with started(command, cwd=project, **output) as running:
        said: str = running.communicate()[0]
    if running.returncode:
        raise SystemExit(f"Snakemake failed:\n{said[-3000:]}")
    return said


def download(client: Any, folder: Path) -> list[str]:
    """Write every object below a folder and return their names."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    names = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        client.download_file(BUCKET, name, str(folder / name))
    return names


PAGE = """\
# Results in an object store

Written by `make s3-test`: Snakemake {snakemake} with its plugin for S3 {plugin} and `profiles/s3`, against moto's
server on this machine. No store of a provider was used.

| | |
|---|---|
| jobs planned by a dry run of everything at smoke scale | {planned} |
| run for real | `{figure}` and all it needs |
| objects in the bucket afterwards | {objects} |
| result files equal to the byte to those of a run without the store | {equal} |
| files that differ | {differ} |
| files that only one has | {missing} |
"""


def page(found: dict[str, Any]) -> str:
    shown = {
        name: ", ".join(f"`{own}`" for own in found[name]) or "none"
        for name in ("differ", "missing")
    }
    return PAGE.format(**found | shown, figure=FIGURE)


def main() -> None:
    heed_signals()
    with tempfile.TemporaryDirectory(prefix="slowpoints-s3-") as name:
        stored, plain = Path(name) / "stored", Path(name) / "plain"
        copy_project(stored, "driver", "kubernetes", "s3server", "train", "analysis", "figures")
        copy_project(plain, "driver", "train", "analysis", "figures")
        options = ("--profile", "profiles/s3", "--cores", "2", "--config", "scale=smoke")
        with store(stored) as client:
            planned = (
                snakemake(stored, "kubernetes", "-n", *options).split("\ntotal ")[1].split()[0]
            )
            (stored / PREFIX / "results").mkdir(parents=True)
            (stored / "results").symlink_to(PREFIX / "results")
            snakemake(stored, "kubernetes", *options, "--", FIGURE)
            objects = download(client, Path(name) / "fetched")
        snakemake(plain, "driver", "--cores", "2", "--config", "scale=smoke", "--", FIGURE)
        found = {
            "snakemake": version("snakemake"), "plugin": version("snakemake-storage-plugin-s3"),
            "planned": int(planned), "objects": len(objects),
        } | compare(Path(name) / "fetched/results", plain / "results")  # fmt: skip
    (ROOT / "docs/benchmarks/s3.json").write_text(
        json.dumps(found, indent=1) + "\n", encoding="utf-8"
    )
    (ROOT / "docs/benchmarks/s3.md").write_text(page(found), encoding="utf-8")
    if found["differ"] or found["missing"]:
        raise SystemExit("s3-test: not as it should be; see docs/benchmarks/s3.md")


if __name__ == "__main__":
    main()
