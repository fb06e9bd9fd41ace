"""Slow points and linearisations of any map from state to state (Sussillo & Barak 2013; Haviv et
al. 2019).

Nothing here knows what a network is. A map `F: [..., N, S] -> [..., N, S]` moves every row alone;
leading axes, such as the runs of a stack, belong to the map. All is computed in the dtype of the
state: give float64.
"""

from slowpoints.dynamics.basins import basins
from slowpoints.dynamics.collect import collect_states
from slowpoints.dynamics.cycles import Cycles, find_cycles
from slowpoints.dynamics.descent import FIXED, OPEN, SLOW
from slowpoints.dynamics.expected import Expected
from slowpoints.dynamics.found import Points
from slowpoints.dynamics.maps import Map, jacobian, residual, speed
from slowpoints.dynamics.modules import ModuleMap, module_map
from slowpoints.dynamics.points import find_points
from slowpoints.dynamics.search import SlowPoints, find_slow_points
from slowpoints.dynamics.spectra import (
    merge_duplicates,
    midpoints,
    modes,
    participation,
    spectrum,
    time_constant,
)

__all__ = [
    "FIXED",
    "OPEN",
    "SLOW",
    "Cycles",
    "Expected",
    "Map",
    "ModuleMap",
    "Points",
    "SlowPoints",
    "basins",
    "collect_states",
    "find_cycles",
    "find_points",
    "find_slow_points",
    "jacobian",
    "merge_duplicates",
    "midpoints",
    "modes",
    "module_map",
    "participation",
    "residual",
    "spectrum",
    "speed",
    "time_constant",
]
