"""How much the box of the slow-point search decides.

The same search, free to go wherever any class's states were.

The box around each class was chosen on pilot networks, with their correlations in view; this table
shows what the claims that use the speed would say without it.
"""

from dataclasses import dataclass

from slowpoints.analyses import longevity, slow_points
from slowpoints.analyses._given import Given, Result

NEEDS: tuple[str, ...] = ("slow_points", "longevity")
COLUMNS = (*longevity.COLUMNS, "free_speed", "free_label", "free_kind", "free_n_iterations")


@dataclass(frozen=True)
class Settings:
    """As those of the analysis slow_points."""

    n_images: int = 100
    max_iterations: int = 1000

    def __post_init__(self) -> None:
        """Refuse empty samples and searches that go nowhere."""
        if min(self.n_images, self.max_iterations) < 1:
            raise ValueError("free_search: n_images and max_iterations must be at least 1")


def run(given: Given) -> Result:
    """Return one row per network and class.

    Speed and read-out of the free point, beside what longevity says.
    """
    own = slow_points.Settings(**vars(given.settings), n_deviations=None)
    free, _ = slow_points.run(given._replace(settings=own))
    columns = ["run", "class", "speed", "label", "kind", "n_iterations"]
    renamed = free[columns].rename(columns={name: f"free_{name}" for name in columns[2:]})
    return given.tables["longevity"].merge(renamed, on=["run", "class"], validate="one_to_one"), {}
