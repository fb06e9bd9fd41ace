"""What the README and the pages for users promise: each command is planned, each block of code is
run or planned.
"""

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from helpers.plans import ROOT
from helpers.texts import TEXTS
from slowpoints.command_line.parser import parsed
from slowpoints.spec import experiment

BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXTS, re.MULTILINE | re.DOTALL)
TOOLS = ("make", "snakemake", "slowpoints", "workflow/scripts/stage")
DRIVER = ROOT / ".envs" / "driver" / "bin"


def commands() -> list[list[str]]:
    """Return every command in a shell block, and every one between backticks in the text,
    as words.
    """
    shell = "".join(body for language, body in BLOCKS if language == "sh")
    prose = re.sub(r"^```.*?^```$", "", TEXTS, flags=re.MULTILINE | re.DOTALL)
    lines = [*shell.splitlines(), *re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", prose)]
    split = [
        shlex.split(line, comments=True)
        for line in lines
        if line.split(maxsplit=1)[:1] and "'" not in line
    ]
    return [words for words in split if words and words[0] in TOOLS and len(words) > 1]


COMMANDS = commands()


def of(tool: str) -> list[list[str]]:
    return [words[1:] for words in COMMANDS if words[0] == tool]


def run(*command: str) -> str:
    env = os.environ | {"PATH": f"{DRIVER}:{os.environ['PATH']}"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=env,
        text=True,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}"
    return done.stdout


def test_there_are_commands_of_every_tool() -> None:
    assert {tool: len(of(tool)) > 0 for tool in TOOLS} == dict.fromkeys(TOOLS, True)
    assert len(COMMANDS) > 20


def test_every_target_of_make_is_there() -> None:
    for words in of("make"):
        run("make", "-n", *words)


def test_makes_help_and_the_makefile_name_the_same_targets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", makefile, re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    told = {
        word
        for line in run("make", "help").splitlines()
        for word in re.findall(r"make ([a-z][a-z0-9-]*)", line)
    }
    assert targets == phony == told | {"help"}


def test_every_word_after_slowpoints_is_a_command_with_these_options() -> None:
    for words in of("slowpoints"):
        if words == ["--help"]:
            continue
        given = [re.sub(r"^<.*>$", "x", word) for word in words]
        assert parsed(given).command == given[0]


def planned_in(words: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return what a command of Snakemake sets, and its targets.

    Cores and how environments are made apart.
    """
    config: list[str] = []
    targets: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in ("--cores", "--sdm", "--profile"):
            next(rest)
        elif word == "--config":
            config = list(rest)
        elif word not in ("-n", "--report"):
            targets.append(word)
    kept = tuple(sorted(own for own in config if not own.startswith("data_dir=…")))
    return kept, targets


def test_everything_that_snakemake_is_asked_for_can_be_planned() -> None:
    """Commands that set the same are planned together: planning takes seconds."""
    together: dict[tuple[str, ...], set[str]] = {}
    for words in of("snakemake"):
        config, targets = planned_in(words)
        together.setdefault(config, set()).update(targets or ["all"])
    assert {"train", "results/laptop/figures/haviv2019-speed.pdf"} <= together[()]
    assert len(together) >= 3
    for config, targets in together.items():
        settings = ["--config", *config] if config else []
        run("snakemake", "--quiet", "-n", *sorted(targets), *settings)


def test_the_profiles_that_are_named_are_there() -> None:
    named = re.findall(r"--profile (\S+?)`", TEXTS)
    assert named
    for name in named:
        found = [yaml.safe_load(path.read_text()) for path in (ROOT / name).glob("*.yaml")]
        assert any("executor" in settings for settings in found)


def test_what_the_launcher_is_asked_to_run_is_in_its_environment() -> None:
    for stage, *words in of("workflow/scripts/stage"):
        lock = (ROOT / "envs" / f"{stage}.lock").read_text()
        assert words[0] == "-m"
        assert re.search(rf"^{words[1]}==", lock, re.MULTILINE), f"{stage} has no {words[1]}"
        assert [
            word for word in words if word.endswith(".ipynb") and not (ROOT / word).is_file()
        ] == []


def test_every_block_is_of_a_kind_that_some_test_runs() -> None:
    begins = [(language, body.strip().splitlines()[0]) for language, body in BLOCKS]
    kinds = {
        ("sh", "make reproduce"): "here",
        (
            "python",
            '"""A leaky unit',
        ): "added to a copy of the project by tests/workflow/conftest.py",
        ("python", '"""Maximum'): "the same",
        ("yaml", "# yaml-language-server"): "the same, and here",
        ("yaml", "tune:"): "here",
        ("python", "from slowpoints.dynamics"): "tests/dynamics/test_module_maps.py",
        ("", "27 points: 27 fixed"): "the guide prints it, see test_guides.py",
        ("python", "from slowpoints.ensemble"): "here",
        ("", "config/experiments"): "a picture of the data flow",
    }
    for language, first in begins:
        assert any(language == own and first.startswith(start) for own, start in kinds), (
            language,
            first,
        )
    assert len(begins) == len(kinds)


def block(start: str) -> str:
    (found,) = [body for _, body in BLOCKS if body.startswith(start)]
    return found


def test_the_snippet_trains_an_ensemble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"torch": torch}
    text = block("from slowpoints.ensemble")
    exec(text.replace("steps=2000", "steps=3").replace("64", "6"), names)
    assert names["outputs"].shape == (6, 32, 20, 3)
    assert len(names["points"]) == 4
    assert (tmp_path / "nets.pt").is_file()


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_the_experiment_is_planned(
    scale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = block("# yaml-language-server").replace(
        "name: maximum, n_steps: 10", "name: adding, n_steps: 10"
    )
    text = text.replace("cell: leaky", "cell: gru").replace("{net.leak: 0.1}", "{train.lr: 0.1}")
    path = tmp_path / "own-maximum.yaml"
    path.write_text(text.replace("{net.leak: 0.9}", "{train.lr: 0.01}"))
    found = experiment.load(path, scale=scale)
    assert len(found.runs) == 2 * 3 * 5


def test_the_tuned_experiment_is_planned(tmp_path: Path) -> None:
    whole = yaml.safe_load((ROOT / "config/experiments/collins2017-capacity.yaml").read_text())
    own = yaml.safe_load(block("tune:"))["tune"]
    path = tmp_path / "collins2017-capacity.yaml"
    path.write_text(yaml.safe_dump(whole | {"tune": own}, sort_keys=False))
    studies = experiment.load(path, scale="paper").studies
    assert studies
    assert {study.metric for study in studies.values()} == {"bits_per_parameter"}


def test_activating_the_drivers_environment_gives_both_commands() -> None:
    assert "source .envs/driver/bin/activate" in TEXTS
    assert all((DRIVER / name).is_file() for name in ("activate", "snakemake", "python"))
    assert (DRIVER / "slowpoints").resolve() == ROOT / "workflow" / "scripts" / "slowpoints"
