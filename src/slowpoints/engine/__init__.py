"""Run any cell over time for a whole stack of runs: the plain reference, forward and backward.

Axes: M runs in the stack (always first), B batch, T time, I input, H hidden, O output, N points,
S packed state. Parameters are a dict of tensors, the model axis first: they stack, slice, save and
differentiate as they are.
"""

from slowpoints.cells.network import Front, Network, count_parameters, shapes, units_for_budget
from slowpoints.engine.border import Asked
from slowpoints.engine.derivatives.curvature import state_curvature
from slowpoints.engine.derivatives.maps import measure, pack, state_jacobian, state_map, unpack
from slowpoints.engine.front import see
from slowpoints.engine.fused import prepare
from slowpoints.engine.gpu.graph import Captured
from slowpoints.engine.initial import initialise
from slowpoints.engine.learning import loss_in_one_pass
from slowpoints.engine.recurrence import States, engine_of, readout, start, step, unroll
from slowpoints.engine.standing import Standing, can_stand
from slowpoints.engine.trust import check_step

__all__ = [
    "Asked",
    "Captured",
    "Front",
    "Network",
    "Standing",
    "States",
    "can_stand",
    "check_step",
    "count_parameters",
    "engine_of",
    "initialise",
    "loss_in_one_pass",
    "measure",
    "pack",
    "prepare",
    "readout",
    "see",
    "shapes",
    "start",
    "state_curvature",
    "state_jacobian",
    "state_map",
    "step",
    "units_for_budget",
    "unpack",
    "unroll",
]
