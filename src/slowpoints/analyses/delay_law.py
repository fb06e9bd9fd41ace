"""How long the delays of delayed classification are.

Their exact probabilities at several lengths of the sequence.

With n = T_max - d_min possible steps for the stimulus, all as likely, and the trigger uniform in
what the stimulus leaves, P(d_min + w) = (1/n + 1/(n-1) + ... + 1/(w+1)) / n: short delays prevail,
the more the longer the sequence.
"""

from dataclasses import dataclass

import pandas as pd

from slowpoints.analyses._given import Given, Result

COLUMNS = ("t_max", "delay", "probability")
OF_TASKS = ("delayed_classification",)


@dataclass(frozen=True)
class Settings:
    """The lengths of the sequence, in steps: stages of the curriculum of growing delays."""

    t_max: tuple[int, ...] = (6, 8, 12, 16, 20)

    def __post_init__(self) -> None:
        """Refuse an empty list, and a length that is listed twice."""
        if not self.t_max or len(set(self.t_max)) < len(self.t_max):
            raise ValueError(f"delay_law: t_max is {list(self.t_max)}; must list each length once")


def run(given: Given) -> Result:
    """Return one row per length of the sequence, in steps, and delay; no network is looked at."""
    shortest = given.records[0].task.settings.delay_min
    rows = [
        (t_max, delay, probability)
        for t_max in given.settings.t_max
        for delay, probability in law(t_max=t_max, delay_min=shortest).items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)), {}


def law(*, t_max: int, delay_min: int) -> dict[int, float]:
    """Return the probability of every possible delay."""
    n = t_max - delay_min
    if n < 1:
        raise ValueError(
            f"delay_law: t_max is {t_max}; must be at least delay_min + 1 = {delay_min + 1}"
        )
    return {
        delay_min + wait: sum(1 / left for left in range(wait + 1, n + 1)) / n for wait in range(n)
    }
