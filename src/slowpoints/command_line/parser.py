"""What can be typed after `slowpoints`: its help, and the nearest word where one is misspelt."""

import argparse
import difflib
import sys
from collections.abc import Iterable
from functools import partial
from textwrap import wrap
from typing import Any, NoReturn

from slowpoints.command_line.for_people import COMMANDS
from slowpoints.command_line.for_rules import STAGES
from slowpoints.command_line.options import MEANING, Command, names

WIDTH, INDENT = 100, 15
STAGE_HEADING = "stages of the workflow (its rules call them; `snakemake` decides which, and when)"


class Parser(argparse.ArgumentParser):
    """A parser whose errors name the nearest word and where the help is."""

    def error(self, message: str) -> NoReturn:
        """End with status 2 and one line."""
        words = self.prog.split()
        hint = f"{words[0]} --help" if len(words) == 1 else f"{self.prog} --help"
        print(f"{self.prog}: {message}; {hint} says what there is", file=sys.stderr)
        raise SystemExit(2)


def parsed(words: list[str]) -> argparse.Namespace:
    """Return the parsed command line; a word that is not known ends with the nearest one
    that is.
    """
    parser, known = build(), {command.name: command for command in (*COMMANDS, *STAGES)}
    if not words[0].startswith("-") and words[0] not in known:
        parser.error(f"no command {words[0]!r}{nearest(words[0], known)}")
    args, rest = parser.parse_known_args(words)
    if rest:
        options = [*known[words[0]].options, "--help"]
        parser.prog = f"slowpoints {words[0]}"
        parser.error(f"no option or value {rest[0]!r}{nearest(rest[0].split('=')[0], options)}")
    return args


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" where a known word is near, else ''."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""


def build(*, complete: bool = False) -> argparse.ArgumentParser:
    """Return the parser.

    complete: with every name that an option takes as a choice, for completion in a shell
    """
    parser = Parser(
        prog="slowpoints",
        description="Memory in recurrent networks, reproduced.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (*COMMANDS, *STAGES):
        own = commands.add_parser(
            command.name,
            help=_first(command.says),
            description=command.says,
            epilog=f"example: slowpoints {command.example}" if command.example else None,
            allow_abbrev=False,
            formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=WIDTH),
        )
        own.set_defaults(call=command.call, stage=command.stage)
        for option, settings in command.options.items():
            own.add_argument(option, **_settings(option, settings, complete=complete))
    return parser


def _settings(option: str, settings: dict[str, Any], *, complete: bool) -> dict[str, Any]:
    """Return the settings that argparse takes; every option has a meaning and says its default."""
    own = {"help": MEANING.get(option, "")} | settings
    kind = own.pop("names", None)
    if kind and complete:
        own["choices"] = names(kind)
    default = own.get("default")
    if default not in (None, [], False) and "default" not in own["help"]:
        own["help"] += f" (default: {default})"
    return own


def overview() -> str:
    """Return every command under what it is for, each with one example.

    The workflow's stages apart.
    """
    groups: dict[str, list[Command]] = {}
    for command in COMMANDS:
        groups.setdefault(command.group, []).append(command)
    lines = [
        "slowpoints: memory in recurrent networks, reproduced.",
        "",
        "usage: slowpoints <command> [options]      slowpoints <command> --help says what its "
        "options mean",
        "       snakemake --cores N                 runs the workflow; README.md begins there",
    ]
    for group, commands in groups.items():
        lines += ["", group, *(line for command in commands for line in _entry(command))]
    lines += [
        "",
        STAGE_HEADING,
        *wrap(", ".join(stage.name for stage in STAGES), WIDTH, initial_indent="  "),
    ]
    return "\n".join(lines) + "\n"


def _entry(command: Command) -> list[str]:
    says = wrap(_first(command.says), WIDTH - INDENT - 2)
    lines = [
        f"  {command.name:<{INDENT}}{says[0]}",
        *(f"{'':{INDENT + 2}}{line}" for line in says[1:]),
    ]
    return [*lines, f"{'':{INDENT + 2}}$ slowpoints {command.example or command.name}"]


def _first(says: str) -> str:
    """Return the first line of a docstring."""
    return says.partition("\n")[0]
