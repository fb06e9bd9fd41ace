"""How a command is described: its function, its options, and the environment it runs in.

Standard library only.
"""

import argparse
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[3]
FILE: dict[str, Any] = {"type": Path, "required": True}  # to write
FOLDER: dict[str, Any] = {"type": Path, "required": True}  # to read
FILES: dict[str, Any] = {"type": Path, "nargs": "*", "default": []}
TEXT: dict[str, Any] = {"required": True}
SCALES = ("smoke", "laptop", "night", "paper")
PAPERS = ("long2016", "collins2017", "haviv2019")
OTHER = "other commands"


class Command(NamedTuple):
    """One command: its docstring is its help, its name with dashes the word to type."""

    call: Callable[[argparse.Namespace], None]
    options: dict[str, dict[str, Any]]
    stage: str | None = (
        None  # the environment it needs; None: the rule that calls it has chosen one
    )
    group: str = OTHER  # what a person wants who types it: the heading it stands under in the help
    example: str = ""  # what to type after `slowpoints`

    @property
    def name(self) -> str:
        """Return the word to type."""
        return self.call.__name__.replace("_", "-")

    @property
    def says(self) -> str:
        """Return its docstring."""
        return inspect.cleandoc(self.call.__doc__ or "")


def names(kind: str) -> list[str]:
    """Return the names that completion offers: of experiments, figures or cells."""
    folder, pattern = {
        "experiments": ("config/experiments", "*.yaml"),
        "figures": ("notebooks", "*.ipynb"),
        "cells": ("src/slowpoints/cells", "[!_]*.py"),
    }[kind]
    return sorted(path.stem for path in (ROOT / folder).glob(pattern))


# What an option means where its command does not say otherwise.
MEANING = {
    "--name": "the data set, by its name in data/registry.json",
    "name": "the analysis: a file of src/slowpoints/analyses",
    "notebook": "the notebook of the figure, in notebooks/",
    "--data-dir": "folder with your copies of data that do not ship (default: downloads are "
    "kept in data/downloads)",
    "--out": "file or folder to write to",
    "--scale": "the scale: smoke, laptop, night or paper",
    "--experiment": "the experiment: a file of config/experiments",
    "--stack": "the stack of runs that trains together; a plan file names it",
    "--planned": "digests of the settings and the code that were planned; others are refused "
    "(default: not compared)",
    "--plan": "write what was trained, every setting resolved, to this file",
    "--records": "write one record per run to this file",
    "--weights": "write the trained weights to this file",
    "--provenance": "write when, where and from which commit to this file",
    "--checkpoint": "keep the state of training in this file, and go on from it after a kill",
    "--attempt": "which attempt this is: each further one trains half as many networks at once",
    "--device": "where to train",
    "--matmul": "how a GPU multiplies",
    "--torch": "which build of torch the environments have",
    "--start-runs": "folder with the records and weights that fine-tuning starts from "
    "(default: none)",
    "--start-points": "their slow points (default: none)",
    "--before": "records of the study that this one follows (default: none)",
    "--settings": "the settings of the analysis, as JSON",
    "--runs": "folder with the records and weights of the trained networks",
    "--needs": "tables of the same experiment that the analysis reads (default: none)",
    "--table": "write the table to this file",
    "--arrays": "write the arrays that belong to it to this file",
    "--executed": "write the executed copy to this file, also when it fails",
    "--html": "write it as a page to this file",
    "--text": "read the text from this file, or write what it needs to it",
    "--cells": "the equations of every cell, from the stage of this name",
    "--results": "folder with the figures, claims and numbers that the text shows (default: the "
    "results of the scale)",
    "--sums": "write the checksums of the figure's files to this file",
    "--claims": "write the verdicts to this file",
    "--headlines": "write the headlines, judged, to this file",
    "--archive": "judge the tables kept in this folder, as paper/reference/laptop (default: "
    "those of the last run)",
    "--numbers": "write every number of the text to this file",
    "--paper": "the paper: long2016, collins2017 or haviv2019",
}
