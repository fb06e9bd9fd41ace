"""Small networks with random parameters, for the tests of cells and engine."""

import torch

from slowpoints import cells, engine

OF_THE_PAPERS = [
    "gru",
    "intersection_rnn",
    "irnn",
    "lru",
    "lstm",
    "mgu",
    "min_gru",
    "min_lstm",
    "minimal_rnn",
    "pru",
    "rnn",
    "ugrnn",
]
INITIAL = {
    "keep_bias": 0.5,
    "recurrent_init": "normal",
    "recurrent_scale": 1.0,
    "input_init": "normal",
    "input_scale": 1.0,
    "bias_init": "normal",
    "bias_scale": 0.5,
}


def build(name, settings=()):
    module = cells.load(name)
    return module.build(module.Settings(**dict(settings)))


def network(name, settings=(), *, n_in=2, n_out=2, units=3, depth=1, learned_state=True):
    return engine.Network(build(name, settings), n_in, n_out, units, depth, learned_state)


def parameters(net, *, n_runs, dtype=torch.float64):
    """Return the parameters of a stack, learned initial states included, all of them random."""
    runs = [
        engine.initialise(net, rng=torch.Generator().manual_seed(i), **INITIAL)
        for i in range(n_runs)
    ]
    stacked = {name: torch.stack([run[name] for run in runs]).to(dtype) for name in runs[0]}
    rng = torch.Generator().manual_seed(99)
    for name, value in stacked.items():
        if ".init." in name:
            stacked[name] = 0.5 * torch.randn(value.shape, generator=rng, dtype=dtype)
    return {name: value.requires_grad_() for name, value in stacked.items()}


def normal(*shape, dtype=torch.float64, seed=7):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
