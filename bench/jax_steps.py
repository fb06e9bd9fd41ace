# /// script
# requires-python = ">=3.11"
# dependencies = ["jax==0.10.2"]
# ///
"""The step of `contenders` in JAX, in a process of its own: 64 networks of one cell.

Started with one JSON argument, cell, units, steps, batch and runs. Prints a line when both forms
are compiled; then, for every line "FORM TIMES" that it reads, the CPU seconds of so many steps.

vmap: all networks in every step of the scan. map: one network after the other, in cache.
"""

import json
import os
import sys
import time
from functools import partial
from typing import Any

os.environ["XLA_FLAGS"] = (
    "--xla_cpu_multi_thread_eigen=false --xla_force_host_platform_device_count=1"
)

import jax
import jax.numpy as jnp

N_IN, N_OUT = 8, 4
RATE, CLIP = 1e-3, 1.0
STREAMS = {"gru": ("reset", "update", "candidate"), "ugrnn": ("gate", "candidate")}
Tree = dict[str, Any]


def gru(p: Any, h: Any, R: Any) -> Any:
    """Return the next state; the reset comes before the matmul, as in the project's cell."""
    units = h.shape[-1]
    gates = jax.nn.sigmoid(p[:, : 2 * units] + h @ R[0])
    reset, update = gates[:, :units], gates[:, units:]
    candidate = jnp.tanh(p[:, 2 * units :] + (reset * h) @ R[1])
    return update * h + (1 - update) * candidate


def ugrnn(p: Any, h: Any, R: Any) -> Any:
    """Return the next state."""
    units = h.shape[-1]
    total = p + h @ R[0]
    gate = jax.nn.sigmoid(total[:, :units])
    return gate * h + (1 - gate) * jnp.tanh(total[:, units:])


CELLS = {"gru": gru, "ugrnn": ugrnn}


def loss(cell: str, params: Tree, x: Any, y: Any) -> Any:
    """Return the squared error of one network.    x: [B, T, I], y: [B, T, O]"""
    driven, units = jnp.swapaxes(x @ params["W"] + params["b"], 0, 1), len(params["R"])
    # cut once: inside of the loop every step would fill a whole matrix with the slope of its part
    R = params["R"][:, : 2 * units], params["R"][:, 2 * units :]

    def step(h: Any, p: Any) -> tuple[Any, Any]:
        new = CELLS[cell](p, h, R)
        return new, new

    _, states = jax.lax.scan(step, jnp.zeros((len(x), units)), driven)
    out = jnp.swapaxes(states, 0, 1) @ params["V"] + params["c"]
    return jnp.square(out - y).mean()


def learn(cell: str, state: Tree, x: Any, y: Any) -> Tree:
    """Take one step of clipping and Adam with one network."""
    slopes = jax.grad(partial(loss, cell))(state["params"], x, y)
    norm = jnp.sqrt(sum(jnp.square(g).sum() for g in slopes.values()))
    n = state["n"] + 1
    new: Tree = {"params": {}, "first": {}, "second": {}}
    for name, slope in slopes.items():
        own = slope * jnp.minimum(1.0, CLIP / norm)
        first = 0.9 * state["first"][name] + 0.1 * own
        second = 0.999 * state["second"][name] + 0.001 * jnp.square(own)
        change = first / (1 - 0.9**n) / (jnp.sqrt(second / (1 - 0.999**n)) + 1e-8)
        new["params"][name] = state["params"][name] - RATE * change
        new["first"][name], new["second"][name] = first, second
    return {**new, "n": n}


def start(cell: str, units: int, runs: int) -> Tree:
    """Return the state of all networks."""
    wide = len(STREAMS[cell]) * units
    shapes = {"W": (N_IN, wide), "R": (units, wide), "b": (wide,)}
    shapes |= {"V": (units, N_OUT), "c": (N_OUT,)}
    keys = iter(jax.random.split(jax.random.key(0), len(shapes)))
    params = {k: jax.random.normal(next(keys), (runs, *s)) / s[0] ** 0.5 for k, s in shapes.items()}
    zeros = {name: jnp.zeros_like(value) for name, value in params.items()}
    return {"params": params, "first": zeros, "second": zeros, "n": jnp.zeros(runs)}


def main(case: dict[str, Any]) -> None:
    """Compile both forms and take steps as asked."""
    one = partial(learn, case["cell"])
    forms = {
        "vmap": jax.jit(jax.vmap(one)),
        "map": jax.jit(lambda *given: jax.lax.map(lambda own: one(*own), given)),
    }
    shape = (case["runs"], case["batch"], case["steps"])
    x = jax.random.normal(jax.random.key(1), (*shape, N_IN))
    y = jax.random.normal(jax.random.key(2), (*shape, N_OUT))
    states = {name: start(case["cell"], case["units"], case["runs"]) for name in forms}
    for name, form in forms.items():
        states[name] = jax.block_until_ready(form(states[name], x, y))
    print("ready", flush=True)
    for line in sys.stdin:
        name, times = line.split()
        begun = time.process_time()
        for _ in range(int(times)):
            states[name] = forms[name](states[name], x, y)
        jax.block_until_ready(states[name])
        print(time.process_time() - begun, flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
