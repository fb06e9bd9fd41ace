"""A run continued elsewhere: another checkout takes what is kept of it and trains only what is
missing.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from helpers.copies import DRIVER, Snakemake, surroundings

pytestmark = pytest.mark.dag


@pytest.fixture(scope="module")
def kept(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "runs"
    called(finished, "keep", folder)
    return folder


def called(project: Path, command: str, folder: Path) -> str:
    done = subprocess.run(
        [str(project / "workflow/scripts/slowpoints"), command, "--scale", "smoke", str(folder)],
        cwd=project,
        env=surroundings(),
        text=True,
        check=True,
        capture_output=True,
    )
    return done.stdout


def elsewhere(finished: Path, to: Path) -> Path:
    """Return the project as another machine has it, without results and Snakemake's notes."""
    left = shutil.ignore_patterns("results", ".snakemake", "logs", "benchmarks", "__pycache__")
    return Path(shutil.copytree(finished, to, ignore=left))


def to_train(project: Path) -> set[str]:
    """Return the stacks that Snakemake would train."""
    done = subprocess.run(
        [str(DRIVER / "snakemake"), "--cores", "2", "-n", "--config", "scale=smoke", "--", "train"],
        cwd=project,
        env=surroundings(),
        text=True,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return {
        word.partition("stack=")[2]
        for word in done.stdout.replace(",", " ").split()
        if word.startswith("stack=")
    }


def test_another_checkout_trains_what_is_missing_alone(
    finished: Path, kept: Path, snakemake: Snakemake, tmp_path: Path
) -> None:
    records = sorted(kept.glob("*/runs/*.jsonl"))
    missing = next(path for path in records if path.parts[-3] == "long2016-state")
    missing.unlink()
    other = elsewhere(finished, tmp_path / "other")
    said = called(other, "take", kept)
    assert f"{len(records) - 1} stacks copied to results/smoke" in said
    assert to_train(other) == {missing.stem}


def test_a_stack_of_other_settings_or_code_or_damaged_stays_where_it_is(
    finished: Path, kept: Path, tmp_path: Path
) -> None:
    other = elsewhere(finished, tmp_path / "other")
    settings = other / "config" / "experiments" / "long2016-targeted.yaml"
    changed = settings.read_text().replace("lr: 5.0e-3", "lr: 6.0e-3")
    settings.write_text(changed)
    task = other / "src/slowpoints/tasks/adding.py"
    task.write_text(task.read_text().replace("SOLVED_MSE = ", "SOLVED_MSE = 0.5 * "))
    hurt = next(kept.glob("haviv2019-budget/runs/*.safetensors"))
    hurt.write_bytes(hurt.read_bytes()[:-1] + b"?")
    said = called(other, "take", kept)
    assert "long2016-targeted/runs/" in said
    assert "left where it is, of another plan" in said
    lines = [line for line in said.splitlines() if line.endswith("of other code")]
    experiments = {line.partition("/")[0] for line in lines}
    assert "long2016-adding-state" in experiments
    assert not experiments & {"long2016-state", "haviv2019-budget", "collins2017-capacity"}
    assert not list((other / "results/smoke/long2016-adding-state").glob("runs/*"))
    assert f"{hurt.with_suffix('.jsonl').relative_to(kept)}: left where it is" in said
    assert not list((other / "results/smoke/long2016-targeted").glob("runs/*"))
