"""`slowpoints`: help that answers, the nearest word where one is misspelt, and completion in a real
shell.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers.plans import ROOT
from slowpoints.command_line import options
from slowpoints.command_line.for_people import COMMANDS
from slowpoints.command_line.for_rules import STAGES
from slowpoints.command_line.parser import overview, parsed

LAUNCHER = ROOT / "workflow/scripts/slowpoints"


def test_every_command_stands_under_its_group_with_an_example_that_is_accepted() -> None:
    said = overview()
    for command in COMMANDS:
        assert said.index(command.group) < said.index(f"\n  {command.name} "), command.name
        assert f"$ slowpoints {command.example or command.name}" in said
        words = (command.example or command.name).split(" > ")[0].split()
        assert parsed(words).command == command.name
    stages = said.partition("stages of the workflow")[2]
    assert all(stage.name in stages for stage in STAGES)


@pytest.mark.parametrize("command", [*COMMANDS, *STAGES], ids=lambda command: command.name)
def test_a_commands_help_says_what_each_option_means(
    command: options.Command, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed([command.name, "--help"])
    assert ended.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert command.says.partition("\n")[0] in said
    for option, settings in command.options.items():
        meaning = settings.get("help") or options.MEANING[option]
        assert meaning
        assert " ".join(meaning.split()) in said, option
        default = settings.get("default")
        if default not in (None, [], False):
            assert f"default: {default}" in said, option


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["docter"], "no command 'docter'; did you mean doctor?"),
        (["figures"], "did you mean figure?"),
        (["zzzzz"], "no command 'zzzzz'; slowpoints --help"),
        (
            ["costs", "--out", "docs", "--otu=x"],
            "slowpoints costs: no option or value '--otu=x'; did you mean --out?",
        ),
        (
            ["costs"],
            "slowpoints costs: the following arguments are required: --out; slowpoints "
            "costs --help",
        ),
        (["completion", "bsh"], "invalid choice: 'bsh'"),
        (["--scale"], "slowpoints --help says what there is"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_misspelt_word_is_answered_with_the_nearest(
    words: list[str], wanted: str, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(words)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert wanted in said.err
    assert len(said.err.splitlines()) == 1


@pytest.fixture(scope="module")
def scripts() -> dict[str, str]:
    """Return the completion script of each shell, as the command prints it."""
    found = {}
    for shell in ("bash", "zsh", "fish"):
        done = subprocess.run(
            [LAUNCHER, "completion", shell], capture_output=True, text=True, check=True
        )
        found[shell] = done.stdout
    return found


def completed(script: str, *words: str) -> set[str]:
    """Return what bash offers for the last of `words`, as it asks a completion function itself."""
    asks = f"""{script}
COMP_WORDS=(slowpoints {" ".join(f"'{word}'" for word in words)}); COMP_CWORD={len(words)}
COMP_LINE="slowpoints {" ".join(words)}"; COMP_POINT=${{#COMP_LINE}}
function=$(complete -p slowpoints | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function slowpoints '{words[-1]}' "${{COMP_WORDS[COMP_CWORD-1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "--norc", "-c", asks], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def test_bash_completes_commands_options_scales_and_names(scripts: dict[str, str]) -> None:
    assert {"doctor", "progress", "completion"} <= completed(scripts["bash"], "")
    assert completed(scripts["bash"], "doc") == {"doctor"}
    assert completed(scripts["bash"], "progress", "--fol") == {"--follow"}
    assert completed(scripts["bash"], "progress", "--scale", "") == {
        "smoke",
        "laptop",
        "night",
        "paper",
    }
    assert completed(scripts["bash"], "progress", "--experiment", "haviv2019-cu") == {
        "haviv2019-curricula"
    }


@pytest.mark.parametrize(("shell", "check"), [("zsh", "-n"), ("fish", "--no-execute")])
def test_the_other_shells_can_read_their_scripts(
    shell: str, check: str, scripts: dict[str, str], tmp_path: Path
) -> None:
    assert "long2016-adding-state" in scripts[shell]
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    (tmp_path / "script").write_text(scripts[shell])
    done = subprocess.run(
        [shell, check, tmp_path / "script"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish here")
def test_fish_offers_the_commands(scripts: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "script").write_text(scripts["fish"])
    asks = f"source {tmp_path / 'script'}; complete --do-complete 'slowpoints doc'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", asks],
        env=os.environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("doctor\t")


def test_the_names_that_completion_offers_are_those_of_the_files() -> None:
    assert "gru" in options.names("cells")
    assert "long2016-adding" in options.names("figures")
    assert len(options.names("experiments")) == len(
        list((ROOT / "config/experiments").glob("*.yaml"))
    )
