"""Errors: ours are told in one line, and no context manager hides what went wrong inside of it."""

import ast
import builtins
import importlib
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.plans import ROOT
from slowpoints import cli
from slowpoints.errors import SlowpointsError
from slowpoints.machine import locks
from slowpoints.provenance import files

PACKAGE = ROOT / "src" / "slowpoints"
# are always caught: the first by the command line, the other by the engine
SIGNALS = {"Interrupted", "NotElementwise"}


def is_error(base: ast.expr) -> bool:
    """Return whether a base class is an exception, by its name."""
    name = ast.unparse(base)
    found = getattr(builtins, name, None)
    return name.endswith("Error") or (isinstance(found, type) and issubclass(found, BaseException))


def defined() -> list[tuple[str, str]]:
    """Return (module, class) of every exception that the package defines."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        )
        classes = [
            node
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.ClassDef)
        ]
        found += [(module, node.name) for node in classes if any(map(is_error, node.bases))]
    return found


def test_every_error_of_the_package_is_a_slowpoints_error() -> None:
    found = {name: getattr(importlib.import_module(module), name) for module, name in defined()}
    assert {"SpecError", "DataError", "BadResult", "OutOfMemory"} <= set(found)
    assert {name for name, cls in found.items() if not issubclass(cls, SlowpointsError)} == SIGNALS


def called(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the command line with a command that ends in `error`."""

    def fail(args: Namespace) -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["slowpoints", "doctor"])
    monkeypatch.setattr(
        cli, "parsed", lambda words: Namespace(command="doctor", stage="", call=fail)
    )
    monkeypatch.setattr(cli.interruption, "heed_signals", lambda: None)
    return cli.main()


class Made(SlowpointsError):
    """An error that nobody has listed anywhere."""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Made("x.csv: damaged"), "slowpoints doctor: x.csv: damaged\n"),
        (FileNotFoundError(2, "No such file or directory", "x.csv"),
         "slowpoints doctor: [Errno 2] No such file or directory: 'x.csv'\n"),
    ],
)  # fmt: skip
def test_an_error_of_ours_or_of_the_system_is_one_line(
    error: Exception, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert called(error, monkeypatch) == 1
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    "error", [ValueError("x"), RuntimeError("x"), KeyError("x"), ImportError("x")]
)
def test_a_defect_of_the_package_shows_its_traceback(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(type(error)) as raised:
        called(error, monkeypatch)
    assert raised.value is error


def slowpoints(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a stage in `folder`, in this environment."""
    env = os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "SLOWPOINTS_STAGE": "",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "slowpoints", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "last"),
    [
        (
            "data --name mnist --data-dir nowhere --out x.json",
            "slowpoints data: data_dir is nowhere, which is not a",
        ),
        ("data --name mnits --out x.json", "slowpoints data: unknown data set 'mnits'; known: "),
        (
            "rebuild --name mnist --out .",
            "slowpoints rebuild: mnist is not a data set that ships with the project",
        ),
        (
            "site --scale smoke --cells cells.json --out site",
            "slowpoints site: results/smoke/claims.csv: missing; rebuild it with",
        ),
        (
            "crate --scale smoke --out x.zip",
            "slowpoints crate: results/smoke: no records; make them with: snakemake",
        ),
    ],
)
def test_a_stage_without_what_it_needs_names_it_in_its_last_line(
    words: str, last: str, tmp_path: Path
) -> None:
    done = slowpoints(tmp_path, *words.split())
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(last)
    assert list(tmp_path.iterdir()) == []


# What an error may look like that the machinery around a block also raises and catches itself:
INSIDE = [
    FileNotFoundError(2, "No such file or directory", "another.csv"),
    PermissionError(13, "Permission denied", "another.csv"),
    OSError("no number"),
    BlockingIOError(11, "Resource temporarily unavailable"),
    ProcessLookupError(3, "No such process"),
    StopIteration("x"),
    KeyError("x"),
]


@pytest.mark.parametrize("error", INSIDE, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("around", [locks.sole_writer, files.atomic])
def test_what_is_raised_inside_a_writer_comes_out_as_it_is(
    around: Callable, error: Exception, tmp_path: Path
) -> None:
    with pytest.raises(type(error)) as raised, around(tmp_path / "x.csv"):
        raise error
    found = raised.value
    if (
        around is files.atomic
        and isinstance(error, OSError)
        and error.errno
        and error.filename is None
    ):
        assert str(found) == f"[Errno {error.errno}] {error.strerror}: '{tmp_path / 'x.csv'}'"
    else:
        assert found is error
    assert list(tmp_path.iterdir()) == []
