"""Fixed points from many starts at once: Newton's method, and chords.

First by products, without a Jacobian for each start (Knoll & Keyes 2004): that settles most
networks. Where it stops short, as with many multipliers near one, each start takes steps with its
whole Jacobian until a chord leads it.
"""

import torch
from torch import Tensor

from slowpoints.dynamics.chords import Root, by_chords
from slowpoints.dynamics.equation import Equation, by_matrices
from slowpoints.dynamics.krylov import gmres

LOOSEST, TIGHTEST = 0.3, 1e-3  # of a linear system, as a share (Eisenstat & Walker 1996)
STEPS, PRODUCTS = 3, 15  # before the chords, and products for each
SMALL = 32  # numbers in a state, up to which whole Jacobians cost less than products from the start
WHOLE = 4  # steps with the whole Jacobian, between the chords
ROUNDS = 6
WORTH = 0.9  # share of the open states that a round may leave open and be worth another


def fixed_points(
    equation: Equation, start: Tensor, roots: list[Root] | None = None
) -> tuple[Tensor, Tensor]:
    """Lead states to fixed points.    start: [N, S] -> states [N, S], and their speeds [N]

    What does not get there is left somewhere on its way. roots: those that an earlier call has
    founded; new ones are added
    """
    h = equation.inside(start)
    _, speed = equation.at(h)
    roots = [] if roots is None else roots
    if start.shape[-1] > SMALL:
        _by_products(equation, h, speed)
    else:
        by_matrices(equation, h, speed, equation.open_rows(speed), steps=WHOLE)
    for _ in range(ROUNDS):
        n_open = len(equation.open_rows(speed))
        by_chords(equation, h, speed, roots)
        by_matrices(equation, h, speed, equation.open_rows(speed), steps=WHOLE)
        if len(equation.open_rows(speed)) >= WORTH * n_open:
            break
    return h, speed


def _by_products(equation: Equation, h: Tensor, speed: Tensor) -> None:
    """Take steps of Newton's method with all states that are not fixed, in place."""
    tolerance = torch.full_like(speed, LOOSEST)
    rows = equation.open_rows(speed)
    for _ in range(STEPS):
        if not len(rows):
            break
        here, before = h[rows], speed[rows]
        r, _ = equation.at(here)
        enough = torch.maximum(tolerance[rows], LOOSEST * equation.fixed_speed / before)
        step = gmres(equation.products(here), -r, tolerance=enough, most=PRODUCTS)
        h[rows], now = equation.shortened(here, step.nan_to_num(), before)
        speed[rows] = now
        tolerance[rows] = (0.9 * (now / before).square()).clamp(TIGHTEST, LOOSEST)
        rows = rows[(now < before) & (now > equation.fixed_speed)]
