"""Every cell once more, in NumPy, written from the equations of the papers and from nothing of
ours.

P: parameters of one layer by our names, without M; x: [B, I]; s: states, each [B, H]. Only
operations that hold for complex numbers are used, so a derivative is the imaginary part after a
step of 1e-30 i, exact to rounding.
"""

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def relu(a):
    return np.where(a.real > 0, a, 0)


def affine(P, name, x, h):
    return x @ P[f"W.{name}"] + h @ P[f"R.{name}"] + P[f"b.{name}"]


def rnn(P, x, s, activation=np.tanh):
    h = activation(affine(P, "state", x, s[0]))
    return (h,), h


def irnn(P, x, s):
    return rnn(P, x, s, relu)


def ugrnn(P, x, s, activation=np.tanh):
    gate = sigmoid(affine(P, "gate", x, s[0]))
    h = gate * s[0] + (1 - gate) * activation(affine(P, "candidate", x, s[0]))
    return (h,), h


def pru(P, x, s):
    (state,), _ = ugrnn(P, x, s)
    return (state,), np.tanh(state @ P["out.W"] + P["out.b"])


def pru_without_map(P, x, s):
    return ugrnn(P, x, s)


def gru(P, x, s, activation=np.tanh):
    (h,) = s
    reset = sigmoid(affine(P, "reset", x, h))
    update = sigmoid(affine(P, "update", x, h))
    candidate = activation(affine(P, "candidate", x, reset * h))
    new = candidate + update * (h - candidate)
    return (new,), new


def mgu(P, x, s):
    (h,) = s
    forget = sigmoid(affine(P, "forget", x, h))
    new = h + forget * (np.tanh(affine(P, "candidate", x, forget * h)) - h)
    return (new,), new


def lstm(P, x, s):
    h, c = s
    c = sigmoid(affine(P, "forget", x, h)) * c + sigmoid(affine(P, "input", x, h)) * np.tanh(
        affine(P, "candidate", x, h)
    )
    h = sigmoid(affine(P, "output", x, h)) * np.tanh(c)
    return (h, c), h


def intersection_rnn(P, x, s):
    (h,) = s
    if "embed.W" in P:
        x = x @ P["embed.W"] + P["embed.b"]
    in_depth = sigmoid(affine(P, "output_gate", x, h))
    in_time = sigmoid(affine(P, "gate", x, h))
    y = in_depth * x + (1 - in_depth) * relu(affine(P, "output", x, h))
    return (in_time * h + (1 - in_time) * np.tanh(affine(P, "candidate", x, h)),), y


def minimal_rnn(P, x, s):
    (h,) = s
    z = np.tanh(x @ P["W.z"] + P["b.z"])
    update = sigmoid(affine(P, "update", z, h))
    new = update * h + (1 - update) * z
    return (new,), new


def positive(a):
    return np.where(a.real >= 0, a + 0.5, sigmoid(a))


def min_gru(P, x, s, g=lambda a: a):
    (h,) = s
    z = 1 - sigmoid(x @ P["W.update"] + P["b.update"])
    new = (1 - z) * h + z * g(x @ P["W.candidate"] + P["b.candidate"])
    return (new,), new


def min_lstm(P, x, s, g=lambda a: a):
    (h,) = s
    forget, taken = (sigmoid(x @ P[f"W.{name}"] + P[f"b.{name}"]) for name in ("forget", "input"))
    new = (forget * h + taken * g(x @ P["W.candidate"] + P["b.candidate"])) / (forget + taken)
    return (new,), new


def lru(P, x, s):
    # real and imaginary part as numbers of their own: the imaginary unit is taken by the derivative
    re, im = s
    size, phase, gain = np.exp(-np.exp(P["b.nu"])), np.exp(P["b.theta"]), np.exp(P["b.gamma"])
    L_re, L_im = size * np.cos(phase), size * np.sin(phase)
    new_re = L_re * re - L_im * im + gain * (x @ P["W.re"] + P["b.re"])
    new_im = L_re * im + L_im * re + gain * (x @ P["W.im"] + P["b.im"])
    C_re, C_minus_im = np.split(P["out.W"], 2)
    return (new_re, new_im), np.tanh(new_re @ C_re + new_im @ C_minus_im + P["out.b"])


# (cell, its settings) -> its step. Add a line here for a new cell.
STEPS = {
    ("rnn", ()): rnn,
    ("rnn", (("activation", "relu"),)): lambda P, x, s: rnn(P, x, s, relu),
    ("irnn", ()): irnn,
    ("ugrnn", ()): ugrnn,
    ("ugrnn", (("activation", "relu"),)): lambda P, x, s: ugrnn(P, x, s, relu),
    ("gru", ()): gru,
    ("gru", (("activation", "relu"),)): lambda P, x, s: gru(P, x, s, relu),
    ("lstm", ()): lstm,
    ("intersection_rnn", ()): intersection_rnn,
    ("pru", ()): pru,
    ("pru", (("output_map", "identity"),)): pru_without_map,
    ("minimal_rnn", ()): minimal_rnn,
    ("mgu", ()): mgu,
    ("min_gru", ()): min_gru,
    ("min_gru", (("candidate", "positive"),)): lambda P, x, s: min_gru(P, x, s, positive),
    ("min_lstm", ()): min_lstm,
    ("min_lstm", (("candidate", "positive"),)): lambda P, x, s: min_lstm(P, x, s, positive),
    ("lru", ()): lru,
}


def layer_parameters(P, layer):
    return {
        name.partition(".")[2]: value for name, value in P.items() if name.startswith(f"{layer}.")
    }


def unroll(step, P, x, *, depth, states):
    """Return the read-out of every step, [B, T, O], and the final states.

    x: [B, T, I]; states: names
    """
    n_batch, n_steps, _ = x.shape
    layers = [layer_parameters(P, layer) for layer in range(depth)]
    now = [[np.tile(layer[f"init.{name}"], (n_batch, 1)) for name in states] for layer in layers]
    outputs = []
    for t in range(n_steps):
        y = x[:, t]
        for layer in range(depth):
            now[layer], y = step(layers[layer], y, now[layer])
        outputs.append(y @ P["readout.W"] + P["readout.b"])
    return np.stack(outputs, axis=1), now


def gradient(function, P, name):
    """Return d function(P) / d P[name] by complex steps."""
    found = np.zeros(P[name].shape)
    for index in np.ndindex(P[name].shape):
        moved = P[name].astype(complex)
        moved[index] += 1e-30j
        found[index] = function(P | {name: moved}).imag / 1e-30
    return found
