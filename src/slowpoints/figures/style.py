"""Style: fonts at print size, a colour and a marker per cell, a line style per protocol, equal
bytes.
"""

import colorsys
import hashlib
import io
import math
import os
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import seaborn
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from slowpoints.provenance.files import atomic

LineStyle = Literal["-", "--", ":", "-."]
WIDTH = 6.9  # inches: the text width of the paper
GREY = "0.55"  # what others published, and analytic lines
FAINT = 0.28  # opacity of single networks
APART = 0.22  # how far a new cell's colour stays from the listed ones, in the RGB cube of side 1

# Told apart also by readers who confuse red and green (after Okabe & Ito).
PALETTE = {
    "pru": "#D55E00",
    "gru": "#0072B2",
    "lstm": "#009E73",
    "rnn": "#A0489A",
    "ugrnn": "#E69F00",
    "irnn": "#56B4E9",
    "intersection_rnn": "#6B4C9A",
    "mgu": "#8C564B",
    "minimal_rnn": "#9A8F00",
    "min_gru": "#00A5A5",
    "min_lstm": "#5F7F2F",
    "lru": "#D3379B",
}
MARKERS = {
    "pru": "o",
    "gru": "s",
    "lstm": "^",
    "rnn": "D",
    "ugrnn": "v",
    "irnn": "P",
    "intersection_rnn": "X",
    "mgu": "<",
    "minimal_rnn": ">",
    "min_gru": "h",
    "min_lstm": "p",
    "lru": "d",
}
SPARE_MARKERS = "*8H"
NAMES = {
    "intersection_rnn": "+RNN",
    "minimal_rnn": "MinimalRNN",
    "min_gru": "minGRU",
    "min_lstm": "minLSTM",
}
PROTOCOLS: dict[str, tuple[LineStyle, str]] = {
    "decu": ("-", "growing delays"),
    "vocu": ("--", "growing vocabulary"),
    "plain": (":", "no curriculum"),
    "slow-points": ("-", "penalty at slow points"),
    "centres": ("-.", "penalty at centres"),
    "control": ("--", "no penalty"),
    "before": (":", "before"),
    "deep": ("--", "2 layers"),
    "relu": ("--", "rectified"),
    "1": ("-", "1 layer"),
    "2": ("-.", "2 layers"),
    "4": (":", "4 layers"),
    "8": ("--", "8 layers"),
    "soft": ("--", "soft bits"),
    "unpenalised": ("--", "no penalty"),
    "visited-1e-4": ("-.", "penalty at visited states, 0.000018"),
    "visited-1e-3": ("-", "penalty at visited states, 0.00018"),
}
# a curriculum's protocol in the names of arms
ARMS = {"vocabulary": "vocu", "delay": "decu", "none": "plain"}
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.6,
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # text stays text
    "axes.unicode_minus": True,
}


def start() -> None:
    """Set the style, and work in the project's root, from wherever the notebook was opened."""
    seaborn.set_theme(style="ticks", rc=STYLE)
    roots = [
        folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "Snakefile").is_file()
    ]
    if roots:
        os.chdir(roots[0])


def colour(cell: str) -> str:
    """Return the cell's colour: listed, or, for a new cell, fixed by its name and unlike the listed
    ones.
    """
    if cell in PALETTE:
        return PALETTE[cell]
    taken = [mpl.colors.to_rgb(other) for other in PALETTE.values()]
    drawn = (_digest(f"{cell}{n}") for n in range(256))
    colours = [
        colorsys.hls_to_rgb(d[0] / 256, 0.35 + 0.3 * d[1] / 256, 0.4 + 0.5 * d[2] / 256)
        for d in drawn
    ]
    return mpl.colors.to_hex(
        next(c for c in colours if min(math.dist(c, other) for other in taken) > APART)
    )


def marker(cell: str) -> str:
    """Return the cell's marker: listed, or, for a new cell, fixed by its name alone."""
    return MARKERS.get(cell) or SPARE_MARKERS[_digest(cell)[2] % len(SPARE_MARKERS)]


def look(cell: str) -> dict[str, Any]:
    """Return how lines and dots of the cell look."""
    return {"color": colour(cell), "marker": marker(cell)}


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def label(cell: str) -> str:
    """Return the cell's name as it is printed."""
    return NAMES.get(cell, cell.upper().replace("_", " "))


def protocol(arm: str) -> tuple[LineStyle, str]:
    """Return (line style, words) of the protocol in an arm's name, `<cell>-<protocol>`.

    Solid without one.
    """
    return PROTOCOLS.get(arm.partition("-")[2], ("-", arm.partition("-")[2]))


def _tidy(axis: Axis) -> None:
    """Give a decimal log axis ticks that suit its range, written out unless they are very small or
    large.
    """
    if axis.get_scale() != "log" or getattr(axis.get_transform(), "base", 10) != 10:
        return
    low, high = axis.get_view_interval()
    steps = [(0.7, (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)), (1.3, (1.0, 2.0, 5.0)), (1.8, (1.0, 3.0))]
    subs = next((subs for n_decades, subs in steps if high / low < 10**n_decades), (1.0,))
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_minor_formatter(NullFormatter())
    if len(subs) > 1 or (low > 5e-4 and high < 2e4):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def name_of(arm: str) -> str:
    """Return an arm's name as it is printed: the cell, and the protocol if there is one."""
    cell, dash, _ = arm.partition("-")
    return label(cell) + (f" ({protocol(arm)[1]})" if dash else "")


class Picture:
    """A saved figure, which a notebook shows where a cell ends with it."""

    def __init__(self, path: Path) -> None:
        """Remember the file."""
        self.path = path

    def __repr__(self) -> str:
        """Return the file's name."""
        return str(self.path)

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()


def save(figure: Figure, *, pdf: str, png: str) -> Picture:
    """Write the figure twice, for print and for reading, and return it to be shown.

    Equal figures are equal bytes.
    """
    for axes in figure.axes:
        _tidy(axes.xaxis)
        _tidy(axes.yaxis)
    figure.align_ylabels()
    for file, metadata in (
        (pdf, {"CreationDate": None, "Producer": None, "Creator": None}),
        (png, {"Software": None}),
    ):
        drawn = io.BytesIO()
        figure.savefig(drawn, format=Path(file).suffix[1:], metadata=metadata)
        with atomic(Path(file)) as temporary:
            temporary.write_bytes(drawn.getvalue())
    return Picture(Path(png))
