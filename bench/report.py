"""The measurements as a page."""

from collections.abc import Iterable
from typing import Any

SIZES = (16, 32, 64, 128, 256)
TARGETS = {  # by cell: at least, for 16, 32, 64, 128, 256 units; fixed before the engine was built
    "gru": (14, 7, 4.5, 3, 2.4),
    "rnn": (7, 3, 3, 2.4, 2.2),
    "lstm": (2.5, 1.3, 1.2, 1, 1),
    "custom": (8, 5, 3, 2.5, 2.2),
    "sweep": (8, 5, 3.5, 2.5, 2),
    "batch 512": (5, 3.5, 3),
}


def markdown(found: dict[str, Any]) -> str:
    """Return the page."""
    compiled = ", ".join(
        f"{name} {seconds:.1f}" for name, seconds in found["seconds to compile"].items()
    )
    parts = [
        "# Speed",
        f"Written by `make bench` on one core of {found['processor']}, whose vectors hold "
        f"{found['vector']} numbers, torch {found['torch']}. "
        "Every number is the "
        "median of rounds in which the contenders take turns, in CPU time of one thread; a "
        "ratio of 5 means that a "
        "network costs a fifth. A step is forward, read-out, squared error, backward, clipping "
        "and Adam. The target, "
        "in brackets, was fixed beforehand; **bold** where it is missed.",
        "## Against torch's layers, one network at a time",
        "Batch 64. In the second line of a pair torch's matmuls are set to `medium`, the "
        "faster setting on some "
        "processors. Our GRU resets before the matmul, torch's after it: the same cost.",
        _sizes(_library_rows(found["batch 64"])),
        "Batch 512, 5 steps; the target was set for the GRU.",
        _sizes(
            [line for cell in ("rnn", "gru", "lstm") for line in _short(found["batch 512"], cell)]
        ),
        "## Against a plain loop in Python, as one writes a cell of one's own",
        "Batch 64, 20 steps.",
        _sizes(_pivot(found["custom"], "ratio", lambda row: (row["cell"],), TARGETS["custom"])),
        "## A sweep of 64 GRU trainings on two processes, against 64 in a row with `nn.GRU`",
        "Wall time of the training, start-up apart.",
        _sizes(_pivot(found["sweep"], "ratio", lambda row: ("nn.GRU",), TARGETS["sweep"])),
        "## Growth",
        "Cost per run of a GRU of 16 units, 20 steps, in units of the same in a stack of 8:",
        _line(found["runs"], "runs", "of the yardstick", "{:.2f}"),
        "Where parameters stay in place a step is laid out once, and then is one call per layer "
        "and direction. What a step costs that is laid out again, in units of that (RNN of 16 "
        "units, batch 512, 5 steps):",
        _line(found["laid out"], "runs", "ratio", "{:.1f}"),
        "Cost per run and step of a GRU of 64 units (stack of 4), in units of that at 20 "
        "steps. A trace that would "
        "take more than 64 MB per run, here that of 1000 steps, is computed again instead of kept:",
        _line(_per_step(found["steps"]), "steps", "cost", "{:.2f}"),
        "Memory of one training step of 4 such GRUs, in MB:",
        _line(found["memory"], "steps", "MB, traces kept", "{:.0f}"),
        _line(found["memory"], "steps", "MB, as it runs", "{:.0f}"),
        "## Once",
        f"Start-up of a job: {found['seconds to start']:.1f} s. Compiling a cell, kept "
        f"afterwards, in s: {compiled}.",
    ]
    return "\n\n".join(parts) + "\n"


def _library_rows(rows: list[dict[str, Any]]) -> list[tuple[list[str], list[str]]]:
    lines: list[tuple[list[str], list[str]]] = []
    for cell, steps in dict.fromkeys((row["cell"], row["steps"]) for row in rows):
        own = [row for row in rows if (row["cell"], row["steps"]) == (cell, steps)]
        targets = (1.3, *TARGETS["lstm"][1:]) if (cell, steps) == ("lstm", 100) else TARGETS[cell]
        lines += _pivot(
            own, "ratio", lambda row: (f"nn.{row['cell'].upper()}, {row['steps']} steps",), targets
        )
        lines += _pivot(own, "ratio, matmul at medium", lambda _: ("- matmuls at medium",), ())
    return lines


def _short(rows: list[dict[str, Any]], cell: str) -> list[tuple[list[str], list[str]]]:
    own = [row for row in rows if row["cell"] == cell]
    return _pivot(
        own,
        "ratio",
        lambda _: (f"nn.{cell.upper()}",),
        TARGETS["batch 512"] if cell == "gru" else (),
    )


def _pivot(
    rows: Iterable[dict[str, Any]], value: str, label: Any, targets: tuple[float, ...]
) -> list[tuple[list[str], list[str]]]:
    """Return (label, cells) lines with one column per size."""
    lines: dict[tuple[str, ...], list[float]] = {}
    for row in rows:
        lines.setdefault(label(row), []).append(row[value])
    return [
        (list(key), [_judged(x, targets[i] if targets else None) for i, x in enumerate(values)])
        for key, values in lines.items()
    ]


def _judged(ratio: float, target: float | None) -> str:
    if target is None:
        return f"{ratio:.1f}"
    return f"{ratio:.1f} ({target:g})" if ratio >= target else f"**{ratio:.1f}** ({target:g})"


def _sizes(lines: list[tuple[list[str], list[str]]]) -> str:
    n = max(len(cells) for _, cells in lines)
    head = ["against", *[str(units) for units in SIZES[:n]]]
    body = [[*label, *cells, *[""] * (n - len(cells))] for label, cells in lines]
    return table(head, body)


def _line(rows: list[dict[str, Any]], x: str, y: str, shown: str) -> str:
    return table(
        [x, *(str(row[x]) for row in rows)], [[y, *(shown.format(row[y]) for row in rows)]]
    )


def _per_step(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    base = rows[0]["of the yardstick"] / rows[0]["steps"]
    return [
        {"steps": row["steps"], "cost": row["of the yardstick"] / row["steps"] / base}
        for row in rows
    ]


def table(head: list[str], body: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
