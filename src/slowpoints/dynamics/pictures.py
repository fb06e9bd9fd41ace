"""Pictures of points: among the trajectories, and their spectra. They need matplotlib."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from slowpoints.dynamics import arrays

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREY = "0.75"
TRAJECTORIES = 50  # drawn, at most
DASH = 0.15  # half its length, of the spread of the states
EDGE = 0.9  # width, in points


def draw_points(
    points: Tensor,
    leading: Tensor,
    stable: Tensor,
    visited: Any,
    *,
    dimensions: int,
    axes: "Axes | None",
) -> "Axes":
    """Draw points on the leading principal components of the visited states.

    points: [K, S]; leading: [K, S], the direction of each, its real part drawn as a dash; stable:
    [K], drawn filled; visited: [N, T, S] or [N, S]
    """
    visited = arrays.states(visited, name="states").double().cpu()
    width = visited.shape[-1]
    if dimensions not in (2, 3) or dimensions > width:
        raise ValueError(f"dimensions is {dimensions}; states of {width} numbers give 2 or 3")
    if points.shape[-1] != width:
        raise ValueError(f"the points have {points.shape[-1]} numbers, the states {width}")
    rows = visited.reshape(-1, width)
    centre = rows.mean(0)
    _, size, directions = torch.linalg.svd(rows - centre, full_matrices=False)
    basis = directions[:dimensions].T
    extent = float((rows - centre).square().sum(-1).mean().sqrt())

    def seen(x: Tensor) -> list[list[float]]:
        rows: list[list[float]] = ((x - centre) @ basis).T.tolist()
        return rows

    drawn: Any = axes if axes is not None else _made(dimensions)  # of two or of three dimensions
    if visited.dim() == 3:
        for path in visited[:TRAJECTORIES]:
            drawn.plot(*seen(path), color=GREY, linewidth=0.6, zorder=1)
    else:
        drawn.scatter(*seen(rows), color=GREY, s=3, zorder=1)
    for point, along in zip(points, DASH * extent * leading.real, strict=True):
        drawn.plot(*seen(torch.stack([point - along, point + along])), color="black", linewidth=0.8)
    for own, colour, label in ((stable, "black", "stable"), (~stable, "white", "unstable")):
        if own.any():
            drawn.scatter(
                *seen(points[own]),
                c=colour,
                s=28,
                label=label,
                zorder=3,
                edgecolors="black",
                linewidths=EDGE,
            )
    share = (size.square() / size.square().sum())[:dimensions].tolist()
    for name, part, k in zip("xyz", share, range(1, 4), strict=False):
        getattr(drawn, f"set_{name}label")(f"PC {k} ({100 * part:.0f} %)")
    if len(points):
        drawn.legend(frameon=False)
    return drawn


def draw_spectra(eigenvalues: Tensor, stable: Tensor, *, axes: "Axes | None") -> "Axes":
    """Draw eigenvalues in the complex plane, and the unit circle.

    eigenvalues: [K, S]; stable: [K], drawn filled
    """
    axes = axes if axes is not None else _made(2)
    angle = torch.linspace(0, 2 * torch.pi, 200)
    axes.plot(angle.cos().tolist(), angle.sin().tolist(), color=GREY, linewidth=0.8, zorder=1)
    for own, colour, label in ((stable, "black", "stable"), (~stable, "white", "unstable")):
        if own.any():
            values = eigenvalues[own].flatten()
            axes.scatter(
                values.real.tolist(),
                values.imag.tolist(),
                c=colour,
                s=14,
                label=label,
                edgecolors="black",
                linewidths=EDGE,
            )
    axes.set(xlabel="real part", ylabel="imaginary part", aspect="equal")
    if len(eigenvalues):
        axes.legend(frameon=False)
    return axes


def _made(dimensions: int) -> "Axes":
    """Return the axes of a new figure."""
    from matplotlib import pyplot

    figure = pyplot.figure(layout="constrained")
    return figure.add_subplot(projection="3d" if dimensions == 3 else None)
