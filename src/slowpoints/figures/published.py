"""Numbers that Collins et al. (2017) print in their tables, quoted as facts; figures show them in
grey beside ours.

Their networks are larger and were trained for longer: about 200,000 parameters in Table 1 and Table
App.2, 100,000 in Table App.1, on the parentheses task at full size.
"""

# Table 1: per cent of 1000 random settings that were infeasible (training diverged), by depth. From
# an earlier version
# of the paper; the final one's table may differ a little: its Table App.2 has more degrees of
# freedom than these leave.
INFEASIBLE = {
    1: {"gru": 15.5, "irnn": 56.7, "lstm": 12.0, "rnn": 21.5, "ugrnn": 20.2},
    8: {"gru": 3.2, "irnn": 44.6, "lstm": 4.0, "rnn": 18.7, "ugrnn": 11.5, "intersection_rnn": 8.8},
}

# Table App.1: the best setting of the tuner, trained again 100 times; depth 1. The loss is a sum
# over ten outputs.
RERUNS = {
    "rnn": {
        "tuner's best": 1.16e-2,
        "infeasible": 0.00,
        "min": 1.41e-2,
        "mean": 8.21e-2,
        "max": 0.294,
        "sd": 5.22e-2,
    },
    "irnn": {
        "tuner's best": 4.20e-4,
        "infeasible": 0.48,
        "min": 2.24e-4,
        "mean": 5.02e-4,
        "max": 8.69e-4,
        "sd": 1.35e-4,
    },
    "ugrnn": {
        "tuner's best": 1.02e-4,
        "infeasible": 0.00,
        "min": 3.66e-5,
        "mean": 2.71e-4,
        "max": 6.06e-3,
        "sd": 7.12e-4,
    },
    "gru": {
        "tuner's best": 2.80e-4,
        "infeasible": 0.01,
        "min": 7.66e-5,
        "mean": 1.89e-4,
        "max": 5.48e-4,
        "sd": 9.08e-5,
    },
    "lstm": {
        "tuner's best": 7.96e-4,
        "infeasible": 0.00,
        "min": 8.10e-4,
        "mean": 2.02e-3,
        "max": 1.45e-2,
        "sd": 2.31e-3,
    },
}

# Table App.2: Welch's t between the losses of random settings, by depth; negative: the second cell
# has the larger mean.
WELCH = {
    1: {
        ("gru", "irnn"): -7.74,
        ("gru", "lstm"): -6.65,
        ("gru", "rnn"): -26.5,
        ("gru", "ugrnn"): -4.11,
        ("irnn", "lstm"): 2.23,
        ("irnn", "rnn"): -12.7,
        ("irnn", "ugrnn"): 4.03,
        ("lstm", "rnn"): -19.6,
        ("lstm", "ugrnn"): 2.25,
        ("rnn", "ugrnn"): 20.7,
    },
    8: {
        ("intersection_rnn", "gru"): -23.6,
        ("intersection_rnn", "irnn"): -25.7,
        ("intersection_rnn", "lstm"): -26.1,
        ("intersection_rnn", "rnn"): -25.8,
        ("intersection_rnn", "ugrnn"): -24.3,
        ("gru", "irnn"): -3.51,
        ("gru", "lstm"): -4.84,
        ("gru", "rnn"): -3.93,
        ("gru", "ugrnn"): -1.13,
        ("irnn", "lstm"): -2.04,
        ("irnn", "rnn"): -0.57,
        ("irnn", "ugrnn"): 2.37,
        ("lstm", "rnn"): 1.53,
        ("lstm", "ugrnn"): 3.81,
        ("rnn", "ugrnn"): 2.81,
    },
}
# Its p, where known to us; 0 stands for "< .001".
WELCH_P = {
    1: {("irnn", "lstm"): 0.026, ("lstm", "ugrnn"): 0.025},
    8: {
        ("gru", "ugrnn"): 0.26,
        ("irnn", "lstm"): 0.042,
        ("irnn", "rnn"): 0.57,
        ("lstm", "rnn"): 0.125,
        ("rnn", "ugrnn"): 0.005,
        ("intersection_rnn", "gru"): 0,
        ("intersection_rnn", "irnn"): 0,
        ("intersection_rnn", "lstm"): 0,
        ("intersection_rnn", "rnn"): 0,
        ("intersection_rnn", "ugrnn"): 0,
    },
}


def infeasible(cell: str, *, depth: int) -> float | None:
    """Return the published share of infeasible settings of one layer, or of eight for deeper
    networks, if any.
    """
    found = INFEASIBLE[1 if depth == 1 else 8].get(cell)
    return None if found is None else found / 100


def welch_t(cell: str, other: str, *, depth: int) -> tuple[float, float | None] | None:
    """Return published t and p of two cells, at one layer or at eight for deeper networks.

    A p may not be known.
    """
    layers = 1 if depth == 1 else 8
    for sign, pair in ((1, (cell, other)), (-1, (other, cell))):
        if pair in WELCH[layers]:
            return sign * WELCH[layers][pair], WELCH_P[layers].get(pair)
    return None
