"""The page on faults, written from what the cases measured."""

from pathlib import Path
from typing import Any

HEAD = """# What the pipeline survives

Written by `make faults`, which makes each fault happen in copies of the project, at smoke scale, and compares what
comes out with a run that nobody disturbed. The copies differ from the project in one line: checkpoints are written
every 0.1 s instead of every 20 s, so that a smoke run has some.
"""

GUARDED = Path(__file__).with_name("guarded.md")  # what the unit tests make happen


def page(found: dict[str, Any]) -> str:
    """Return the page in Markdown; a case that was not run has no section."""
    parts = [HEAD]
    if "kills" in found:
        parts.append(_kills(found["kills"]))
    if "signals" in found:
        parts.append(_signals(found["signals"]))
    parts.append(_others(found))
    return "\n".join(part for part in parts if part) + "\n" + GUARDED.read_text("utf-8")


def _kills(own: dict[str, Any]) -> str:
    total, files = sum(own["by kind"].values()), sum(own["files compared"].values())
    wrong = {name: own[f"files {name}"] for name in ("missing", "too many", "that differ")}
    rows = [f"| {kind} | {n} |" for kind, n in own["by kind"].items()]
    compared = ", ".join(f"{n} `{kind}`" for kind, n in own["files compared"].items())
    return f"""## `kill -9` at random moments

Over {own["of"]} ({own["jobs"]} jobs) {total} processes were killed, at moments drawn beforehand with a fixed seed and
spread over its jobs. One plain command was called again whenever it had ended: {own["calls"]} times, {own["wall_s"]} s
in all. Killed Snakemakes left {own["orphans"]} orphans.

| killed | times |
|---|---|
{chr(10).join(rows)}

Compared to the byte with the undisturbed run: {files} files, everything it has under `results/` but
`*.provenance.json`, where a run says when, where and for how long it was at work ({compared}).
**Missing: {len(wrong["missing"])}. Too many: {len(wrong["too many"])}. Different: {len(wrong["that differ"])}.**
"""


def _signals(own: dict[str, Any]) -> str:
    lines = [
        f"| {what} | {case['exit status']} | {_yes(case['says how to go on'])} | "
        f"{len(case['half-written'])} |"
        f" {len(case['strangers'])} | {_yes(case['stopped in training'])} | "
        f"{_yes(case['went on from a checkpoint'])} |"
        f" {_yes(case['equal in the end'])} |"
        for what, case in sorted(own.items())
    ]
    return f"""## Signals while networks train

| signal | exit status | says how to go on | half-written | left over | stopped | from a checkpoint | same bytes |
|---|---|---|---|---|---|---|---|
{chr(10).join(lines)}

*Stopped*: networks in training were, and the next call went on *from a checkpoint* of theirs. A signal to Snakemake
alone reaches no job: those at work come to their end, and no other begins.
"""


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _others(found: dict[str, Any]) -> str:
    lines = []
    if own := found.get("kill -9 of Snakemake"):
        lines.append(
            f"- `kill -9` of Snakemake alone leaves {own['orphans']} processes and "
            f"{own['stale locks']} lock files. The"
            " same command goes on: jobs that notice the end of Snakemake keep their state and "
            "end, locks that hold"
            " nobody are dropped."
        )
    if own := found.get("two runs at once"):
        lines.append(
            f"- Two runs in one folder: the second is {own['the second']}, the first is not harmed."
        )
    if own := found.get("a record dated tomorrow"):
        lines.append(
            "- A record dated tomorrow, as by a clock that jumped: the next call runs "
            f"{own['jobs run again']} jobs"
            " again, to the same bytes. Snakemake compares dates, and of small files then the "
            "content."
        )
    return "## One at a time\n\n" + "\n".join(lines) + "\n" if lines else ""
