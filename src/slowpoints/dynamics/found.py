"""The points of one network: what a search found, merged, classified and linearised."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from slowpoints.dynamics import pictures
from slowpoints.dynamics.descent import FIXED, OPEN, SLOW
from slowpoints.dynamics.spectra import time_constant

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

KINDS = {FIXED: "fixed", SLOW: "slow", OPEN: "open"}
ROUNDING = 1e-6  # how far a multiplier of one may be from it
FIELDS = ("states", "speed", "kind", "eigenvalues", "leading", "count", "context")


@dataclass(frozen=True, eq=False)
class Points:
    """Points of one network, the slowest first, those of several inputs one input after the other.

    K points of S numbers each. `points[which]` takes some: a mask [K], indices or a slice.
    """

    states: Tensor  # [K, S] float64
    speed: Tensor  # [K] per step
    kind: Tensor  # [K] int8: FIXED or SLOW
    eigenvalues: Tensor  # [K, S] complex, of the linearised step, largest modulus first
    leading: Tensor  # [K, S] complex: the right eigenvector of the first of them, of length one
    count: Tensor  # [K] int64: how many searches ended there
    context: Tensor  # [K] int64: under which input
    n_open: int = 0  # searches that ended at no point
    n_left: int = 0  # searches that left the range of the states
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.states)

    def __getitem__(self, which: Any) -> "Points":
        """Return some points, without what was said of all."""
        which = [which] if isinstance(which, int) else which
        some = {name: getattr(self, name)[which] for name in FIELDS}
        return replace(self, **some, n_open=0, n_left=0, notes=())

    @property
    def fixed(self) -> "Points":
        """Return the fixed points."""
        return self[self.kind == FIXED]

    @property
    def slow(self) -> "Points":
        """Return the points that move, but less than all states around them."""
        return self[self.kind == SLOW]

    @property
    def stable(self) -> "Points":
        """Return the points at which no direction grows."""
        return self[self.n_unstable == 0]

    @property
    def n_unstable(self) -> Tensor:
        """Return the number of directions that grow, by more than rounding.    [K]"""
        return (self.eigenvalues.abs() > 1 + ROUNDING).sum(-1)

    @property
    def time_constants(self) -> Tensor:
        """Return that of the leading direction, in steps; negative where it grows.    [K]"""
        return time_constant(self.eigenvalues)

    def rates(self, dt: float) -> Tensor:
        """Return the eigenvalues of the flow dh/dt = f(h) of which the map is an Euler step.

        The step h + dt f(h) has the multipliers 1 + dt rate.
        dt: the length of the step    -> [K, S], complex, per unit of time
        """
        if not dt > 0:
            raise ValueError(f"dt is {dt}; give the length of a step, above zero")
        return (self.eigenvalues - 1) / dt

    def __repr__(self) -> str:
        """Say on one screen what was found."""
        lines = [f"{len(self)} points: {len(self.fixed)} fixed, {len(self.slow)} slow"]
        for n in sorted(set(self.n_unstable.tolist())):
            own = self[self.n_unstable == n]
            what = "stable" if n == 0 else f"{n} unstable direction{'s' * (n > 1)}"
            lines.append(
                f"  {len(own):4} {what}: speed {own.speed.min():.1e} to {own.speed.max():.1e}, "
                f"{int(own.count.sum())} searches ended there"
            )
        if self.n_open:
            lines.append(f"  {self.n_open} searches ended at no point")
        if self.n_left:
            lines.append(
                f"  {self.n_left} searches left the range of the states; a wider `margin` may show "
                "where they lead"
            )
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def to_frame(self) -> "pd.DataFrame":
        """Return a row per point, as a table of pandas."""
        import pandas as pd

        leading = self.eigenvalues[:, 0]
        return pd.DataFrame(
            {
                "context": self.context.tolist(),
                "kind": [KINDS[kind] for kind in self.kind.tolist()],
                "speed": self.speed.tolist(),
                "n_unstable": self.n_unstable.tolist(),
                "time_constant": self.time_constants.tolist(),
                "leading_real": leading.real.tolist(),
                "leading_imaginary": leading.imag.tolist(),
                "count": self.count.tolist(),
            }
        )

    def save(self, path: str | Path) -> None:
        """Write all of it to a file of numpy (.npz)."""
        import numpy as np

        arrays = {name: getattr(self, name).numpy() for name in FIELDS}
        notes = np.array(self.notes, dtype=str)
        np.savez(path, n_open=self.n_open, n_left=self.n_left, notes=notes, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Points":
        """Return what `save` has written."""
        import numpy as np

        with np.load(path, allow_pickle=False) as file:
            arrays = {name: torch.from_numpy(file[name]) for name in FIELDS}
            notes = tuple(map(str, file["notes"]))
            n_open, n_left = int(file["n_open"]), int(file["n_left"])
            return cls(**arrays, n_open=n_open, n_left=n_left, notes=notes)

    def plot(self, states: Any, *, dimensions: int = 2, axes: "Axes | None" = None) -> "Axes":
        """Draw the points on the leading principal components of the visited states.

        Filled: stable; open: at least one direction grows. A dash is the leading direction of a
        point, in which a state decays last or grows first.

        Args:
            states: [N, T, S] trajectories, or [N, S], which are drawn as dots
            dimensions: 2 or 3
            axes: where to draw, of as many dimensions; without them a figure is made

        Returns:
            The axes.
        """
        return pictures.draw_points(
            self.states,
            self.leading,
            self.n_unstable == 0,
            states,
            dimensions=dimensions,
            axes=axes,
        )

    def plot_spectra(self, *, axes: "Axes | None" = None) -> "Axes":
        """Draw the eigenvalues of all points in the complex plane, and the unit circle.

        Filled: of stable points; open: of others.
        """
        return pictures.draw_spectra(self.eigenvalues, self.n_unstable == 0, axes=axes)
