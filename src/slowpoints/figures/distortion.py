"""What stored bits allow at best: grey lines behind the errors of the functions task."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slowpoints.figures.style import GREY
from slowpoints.measures.information import rate_distortion

# a perceptron's weight; what the paper finds that a parameter stores
BITS_PER_PARAMETER = {2: "--", 5: "-"}


def allowed_errors(axis: Axes, table: pd.DataFrame) -> None:
    """Draw the least squared error by parameters, of the table's set, for 2 and for 5 stored bits
    per parameter.
    """
    n_samples, tau = (int(table[name].iloc[0]) for name in ("n_samples", "tau"))
    x = np.geomspace(*axis.get_xlim(), 60)
    lines = []
    for bits, style in BITS_PER_PARAMETER.items():
        y = rate_distortion(bits * x, n_samples=n_samples, tau=tau)
        lines += axis.plot(x, y, linestyle=style, color=GREY, linewidth=1, zorder=0)
    words = [f"{bits} bits per parameter" for bits in BITS_PER_PARAMETER]
    axis.legend(lines, words, loc="lower left", fontsize=6.5, handlelength=1.5, labelcolor=GREY)
