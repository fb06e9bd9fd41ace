"""Panels of what parameters store.

Against their number, between cells, and beside what others published.
"""

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slowpoints.figures.panels import by_cell
from slowpoints.figures.style import FAINT, GREY, LineStyle, colour, look, name_of

# bits per parameter over all cells, sizes and depths (Collins et al. 2017)
PUBLISHED, MEAN = ((3.0, 6.0), 5.0)
PERCEPTRON = 2.0  # bits per weight (Cover 1965, Gardner 1988)
ELSEWHERE: dict[str, tuple[float, LineStyle]] = {
    "perceptron, facts: 2": (2.0, ":"),  # Gardner 1988; Allen-Zhu & Li 2024
    "GPT-style models: 3.6": (3.6, "-"),  # Morris et al. 2025
}
ALL_DEPTHS = "all depths"


def reported(table: pd.DataFrame) -> pd.DataFrame:
    """Return the networks that are reported.

    The reruns of studies, all networks where nothing was tuned.
    """
    return table[table["phase"] == "rerun"] if "phase" in table else table


def by_depth(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of all depths and of each depth, by name.

    Arms lose the depth from their names.
    """
    arms = [
        str(arm).removesuffix(f"-{n}") for arm, n in zip(table["arm"], table["depth"], strict=True)
    ]
    pooled = table.assign(arm=arms)
    return {ALL_DEPTHS: pooled} | {f"depth {n}": own for n, own in pooled.groupby("depth")}


def stored_bits(
    axis: Axes, table: pd.DataFrame, *, x: str, y: Literal["bits", "bits_per_parameter"]
) -> None:
    """Draw stored bits by cell; in grey the published band and its mean, dotted what a perceptron's
    weight holds.
    """
    by_cell(axis, table, x=x, y=y)
    at = np.array(axis.get_xlim())
    per = at if y == "bits" else np.ones(2)
    low, high = PUBLISHED
    name = f"published: {low:g} to {high:g} bits per parameter"
    axis.fill_between(at, low * per, high * per, color="0.9", linewidth=0, zorder=-2, label=name)
    axis.plot(
        at, MEAN * per, color=GREY, linewidth=0.8, zorder=-1, label=f"published mean: {MEAN:g}"
    )
    axis.plot(
        at,
        PERCEPTRON * per,
        ":",
        color=GREY,
        zorder=-1,
        label=f"a perceptron's weight: {PERCEPTRON:g}",
    )
    axis.set_xlim(*at)


def measured_elsewhere(axis: Axes) -> None:
    """Draw in grey the bits per parameter that others found, named in the legend."""
    for name, (level, style) in ELSEWHERE.items():
        axis.axhline(level, linestyle=style, color=GREY, linewidth=0.8, zorder=0, label=name)


def factors(table: pd.DataFrame) -> pd.DataFrame:
    """Return by which factor the parameters of the column's arm have to be multiplied to store what
    the row's store.

    The mean bits per parameter of the row over those of the column; means are over sizes and
    depths, each the mean of its networks (Collins et al. 2017, Fig. 1i). Arms that store nothing
    are left out.
    """
    own = by_depth(table.dropna(subset=["bits_per_parameter"]))[ALL_DEPTHS]
    each = own.groupby(["arm", "budget", "depth"], sort=False)["bits_per_parameter"].mean()
    means = each.groupby("arm", sort=False).mean().sort_values(ascending=False)
    means = means[means > 0]
    return pd.DataFrame(np.outer(means, 1 / means), index=means.index, columns=means.index)


def factor_matrix(axis: Axes, matrix: pd.DataFrame) -> None:
    """Draw factors as a matrix with numbers in it.

    Blue where the column's arm needs fewer, red where more.
    """
    if matrix.empty:
        return
    names, reach = [name_of(str(arm)) for arm in matrix], max(1.01, float(matrix.to_numpy().max()))
    ends = {"vmin": -np.log(reach), "vmax": np.log(reach)}
    axis.imshow(np.log(matrix.to_numpy()), cmap="RdBu_r", aspect="auto", **ends)
    for (row, column), value in np.ndenumerate(matrix.to_numpy()):
        shade = "white" if abs(np.log(value)) > 0.7 * np.log(reach) else "0.1"
        axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, color=shade)
    axis.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axis.set_yticks(range(len(names)), names)
    axis.set(
        xlabel="parameters of this cell, multiplied by the factor ...",
        ylabel="... store as much as this cell",
    )


def against_information(axis: Axes, table: pd.DataFrame) -> None:
    """Draw labels offered against bits stored, a dot per network.

    On the grey line every label is stored.
    """
    own = table[table["bits"] > 0]
    for cell, rows in own.groupby("cell", sort=False):
        style = look(str(cell)) | {"linestyle": "none", "alpha": 2 * FAINT, "markeredgewidth": 0}
        axis.plot(rows["bits"], rows["n_labels"], label=name_of(str(cell)), **style)
    ends = [own["bits"].min(), own["n_labels"].max()] if len(own) else [1, 2]
    axis.plot(ends, ends, color=GREY, linewidth=0.8, zorder=0, label="every label stored")
    axis.set(xscale="log", yscale="log", xlabel="stored bits", ylabel="labels offered")


def gains(table: pd.DataFrame, *, x: str, y: str) -> pd.DataFrame:
    """Return the rows with a column `gain`: y over the arm's mean y at the smallest x."""
    first = table[table[x] == table[x].min()].groupby("arm")[y].mean()
    base = table["arm"].map(first)
    return table.assign(gain=(table[y] / base).where(base > 0))


def hard_and_soft(table: pd.DataFrame) -> pd.DataFrame:
    """Return every row twice: with its hard bits, and, its arm `<cell>-soft`, with its soft bits
    instead.
    """
    soft = table.assign(
        arm=table["cell"] + "-soft", bits_per_parameter=table["soft_bits_per_parameter"]
    )
    return pd.concat([table.assign(arm=table["cell"]), soft], ignore_index=True)


def study(axis: Axes, table: pd.DataFrame) -> None:
    """Draw one study: the expected best of n trials with its interval, dashed the best so far in
    the order tried.
    """
    shade = colour(table["cell"].iloc[0])
    axis.fill_between(table["n"], table["low"], table["high"], color=shade, alpha=0.18, linewidth=0)
    axis.plot(table["n"], table["expected"], color=shade, label="expected best of n")
    axis.step(
        table["n"],
        table["running"],
        "--",
        where="post",
        color=shade,
        linewidth=0.9,
        label="best so far",
    )
    axis.set_title(name_of(str(table["arm"].iloc[0])), color=shade)
