import pytest
import torch

from helpers.networks import build, network
from slowpoints import cells, engine


def test_the_published_lstm_has_1268217_parameters():
    net = network("lstm", n_in=27, n_out=27, units=210, depth=4)
    assert engine.count_parameters(net) == 1_268_217


def test_its_budget_gives_back_its_units():
    sizes = {"n_in": 27, "n_out": 27, "depth": 4, "learned_state": True}
    for budget, units in [(1_268_216, 209), (1_268_217, 210), (1_280_163, 210), (1_280_164, 211)]:
        assert engine.units_for_budget(build("lstm"), budget=budget, **sizes) == units


@pytest.mark.parametrize(
    ("name", "settings", "counts"),
    [
        ("rnn", (), (80, 1_120, 24_832)),
        ("pru", (("output_map", "identity"),), (160, 2_240, 49_664)),
        ("pru", (), (232, 3_296, 66_176)),
        ("gru", (), (240, 3_360, 74_496)),
        ("lstm", (), (320, 4_480, 99_328)),
    ],
    ids=str,
)
def test_parameters_without_the_readout_are_as_derived_from_the_equations(name, settings, counts):
    for (n_in, units), count in zip([(1, 8), (2, 32), (65, 128)], counts, strict=True):
        net = network(name, settings, n_in=n_in, n_out=3, units=units, learned_state=False)
        assert engine.count_parameters(net) - 3 * (units + 1) == count


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("minimal_rnn", 5 * 4 + 2 * 5**2 + 2 * 5),
        ("mgu", 2 * (5**2 + 5 * 4 + 5)),
        ("irnn", 5 * 4 + 5**2 + 5),
        ("min_gru", 2 * (5 * 4 + 5)),
        ("min_lstm", 3 * (5 * 4 + 5)),
        ("lru", 3 * 5 + 2 * (5 * 4 + 5) + 2 * 5**2 + 5),
    ],
)
def test_parameters_of_the_extra_cells(name, count):
    net = network(name, n_in=4, n_out=2, units=5, learned_state=False)
    assert engine.count_parameters(net) - 2 * 6 == count


def test_the_intersection_rnn_pays_for_its_embedding_once():
    net = network("intersection_rnn", n_in=7, n_out=2, units=5, depth=3)
    assert engine.count_parameters(net) == (7 * 5 + 5) + 3 * 4 * (2 * 5**2 + 5) + 3 * 5 + 2 * 6


# of all layers together: n units, d inputs of each layer (Collins et al. 2017, section 2.1)
FORMULAS = {
    "rnn": lambda n, d: n * d + n**2 + n + n,
    "irnn": lambda n, d: n * d + n**2 + n + n,
    "ugrnn": lambda n, d: 2 * (n * d + n**2 + n) + n,
    "gru": lambda n, d: 3 * (n * d + n**2 + n) + n,
    "lstm": lambda n, d: 4 * (n * d + n**2 + n) + 2 * n,
    "min_gru": lambda n, d: 2 * (n * d + n) + n,
    "min_lstm": lambda n, d: 3 * (n * d + n) + n,
    "lru": lambda n, d: 3 * n + 2 * (n * d + n) + (2 * n**2 + n) + 2 * n,
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_learned_states_and_the_readout_count_as_parameters(name, depth):
    net = network(name, n_in=7, n_out=3, units=5, depth=depth)
    layers = sum(FORMULAS[name](5, 7 if layer == 0 else 5) for layer in range(depth))
    assert engine.count_parameters(net) == layers + 3 * 6


@pytest.mark.parametrize("name", cells.names())
@pytest.mark.parametrize("budget", [300, 5_000])
def test_a_budget_is_filled_and_not_exceeded(name, budget):
    sizes = {"n_in": 3, "n_out": 2, "depth": 2, "learned_state": True}
    units = engine.units_for_budget(build(name), budget=budget, **sizes)
    counts = [
        engine.count_parameters(network(name, units=n, n_in=3, depth=2)) for n in (units, units + 1)
    ]
    assert counts[0] <= budget < counts[1]


def test_a_budget_below_one_unit_is_refused():
    with pytest.raises(ValueError, match=r"too small for gru .* one unit takes 14"):
        engine.units_for_budget(
            build("gru"), n_in=2, n_out=1, depth=1, learned_state=False, budget=13
        )


@pytest.mark.parametrize("size", ["n_in", "n_out", "units", "depth"])
def test_an_empty_network_is_refused(size):
    with pytest.raises(ValueError, match=f"{size} = 0; it must be at least 1"):
        network("rnn", **{size: 0})


OPTIONS = {
    "keep_bias": 0.0,
    "recurrent_init": "orthogonal",
    "recurrent_scale": 1.0,
    "input_init": "normal",
    "input_scale": 1.0,
    "bias_init": "normal",
    "bias_scale": 0.0,
}


def initial(net, **changed):
    return engine.initialise(net, rng=torch.Generator().manual_seed(0), **(OPTIONS | changed))


@pytest.mark.parametrize("name", cells.names())
def test_every_parameter_starts_with_its_shape(name):
    net = network(name, depth=2)
    assert {key: tuple(value.shape) for key, value in initial(net).items()} == engine.shapes(net)


@pytest.mark.parametrize("name", cells.names())
def test_the_keep_bias_moves_the_keeping_gates_only(name):
    net = network(name, depth=2)
    plain, kept = initial(net, bias_scale=1.0), initial(net, bias_scale=1.0, keep_bias=3.0)
    keeping = {f"{layer}.b.{stream}" for layer in (0, 1) for stream in net.cell.keep}
    for key in plain:
        torch.testing.assert_close(
            kept[key] - plain[key], torch.full_like(plain[key], 3.0 * (key in keeping))
        )


def test_orthogonal_matrices_keep_lengths_times_the_scale():
    R = initial(network("rnn", units=20), recurrent_scale=0.7)["0.R.state"]
    torch.testing.assert_close(R @ R.T, 0.49 * torch.eye(20), atol=1e-6, rtol=0)


def test_the_irnn_starts_as_the_identity_whatever_is_asked():
    params = initial(network("irnn"), recurrent_init="normal", recurrent_scale=0.1)
    assert torch.equal(params["0.R.state"], torch.eye(3))
    assert not params["0.b.state"].any()


@pytest.mark.parametrize(
    ("kind", "std"), [("normal", 0.5 / 100**0.5), ("xavier", 0.5 * (2 / (100 + 200)) ** 0.5)]
)
def test_rectangular_matrices_have_the_spread_of_their_kind(kind, std):
    W = initial(network("rnn", n_in=100, units=200), input_init=kind, input_scale=0.5)["0.W.state"]
    assert abs(W.std().item() / std - 1) < 0.02  # 20,000 draws: 4 standard errors


def test_runs_that_differ_in_a_scale_share_their_draws():
    net = network("lstm")
    one, two = initial(net), initial(net, recurrent_scale=2.0, bias_scale=0.3)
    assert torch.equal(two["0.R.forget"], 2 * one["0.R.forget"])
    assert torch.equal(two["readout.W"], one["readout.W"])


def test_the_lru_starts_evenly_over_its_ring():
    net = network("lru", (("r_min", 0.6), ("r_max", 0.9), ("max_phase", 2.0)), units=4_000)
    params = initial(net, bias_scale=1.0, keep_bias=2.0)
    nu, theta, gamma = (params[f"0.b.{name}"].double() for name in ("nu", "theta", "gamma"))
    radius, phase = torch.exp(-torch.exp(nu)), torch.exp(theta)
    even = torch.linspace(0, 1, 4_000, dtype=torch.float64)
    area = (radius**2 - 0.36) / (0.81 - 0.36)
    for found in (
        area,
        phase / 2,
    ):  # Kolmogorov and Smirnov: 0.03 is passed by chance once in 700 draws
        assert (found.sort().values - even).abs().max() < 0.03
    torch.testing.assert_close(torch.exp(gamma), torch.sqrt(1 - radius**2), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("setting", "value"), [("r_min", -0.1), ("r_min", 1.0), ("r_max", 1.1), ("max_phase", 0.0)]
)
def test_a_ring_outside_the_unit_disc_is_refused(setting, value):
    with pytest.raises(ValueError, match="lru: "):
        build("lru", ((setting, value),))


def test_scales_may_be_given_by_stream():
    net = network("lstm", depth=2)
    one = initial(net, bias_scale=1.0)
    recurrent, given = {"forget": 0.5, "output": 3.0}, {"input": 2.0, "readout": 0.25}
    two = initial(
        net, recurrent_scale=recurrent, input_scale=given, bias_scale=given | {"forget": -1.0}
    )
    for name in one:
        *_, kind, stream = (
            ("", *name.split(".")) if not name.startswith("readout") else (name[-1], "readout")
        )
        scales = {"R": recurrent, "W": given, "b": given | {"forget": -1.0}}.get(kind, {})
        torch.testing.assert_close(
            two[name], one[name] * scales.get(stream, 0.0 if kind == "b" else 1.0), msg=name
        )


def test_matrices_without_a_stream_have_names_of_their_own():
    pru, plus = network("pru"), network("intersection_rnn", depth=2)
    for net, name in ((pru, "out"), (plus, "embed"), (plus, "readout")):
        one, two = initial(net), initial(net, input_scale={name: 2.0})
        changed = {key for key in one if not torch.equal(one[key], two[key])}
        (key,) = [key for key in one if key.split(".")[-2:] == [name, "W"]]
        assert changed == {key}
        assert torch.equal(two[key], 2 * one[key])


def test_the_two_gates_of_the_intersection_rnn_have_their_own_forget_bias():
    params = initial(
        network("intersection_rnn", depth=2), keep_bias={"output_gate": 1.0, "gate": 5.0}
    )
    for layer in (0, 1):
        assert torch.equal(params[f"{layer}.b.output_gate"], torch.full((3,), 1.0))
        assert torch.equal(params[f"{layer}.b.gate"], torch.full((3,), 5.0))
        assert not params[f"{layer}.b.candidate"].any()


def test_constant_biases_are_all_equal_and_leave_the_other_draws():
    net = network("gru")
    one, two = initial(net), initial(net, bias_init="constant", bias_scale=-0.7, keep_bias=2.0)
    for name in one:
        constant = ".b" in name
        expected = (
            torch.full_like(one[name], -0.7 + 2.0 * (name == "0.b.update"))
            if constant
            else one[name]
        )
        torch.testing.assert_close(two[name], expected, rtol=0, atol=1e-7, msg=name)


@pytest.mark.parametrize(
    ("setting", "name", "message"),
    [
        (
            "recurrent_scale",
            "gates",
            "recurrent_scale: unknown gates; cell ugrnn knows: candidate, gate",
        ),
        (
            "recurrent_scale",
            "readout",
            "recurrent_scale: unknown readout; cell ugrnn knows: candidate, gate",
        ),
        (
            "input_scale",
            "state",
            "input_scale: unknown state; cell ugrnn knows: candidate, gate, readout",
        ),
        (
            "bias_scale",
            "embed",
            "bias_scale: unknown embed; cell ugrnn knows: candidate, gate, readout",
        ),
        ("keep_bias", "candidate", "keep_bias: unknown candidate; cell ugrnn knows: gate"),
    ],
)
def test_an_unknown_stream_is_refused_naming_the_known_ones(setting, name, message):
    with pytest.raises(ValueError, match=message):
        initial(network("ugrnn"), **{setting: {name: 1.0}})


@pytest.mark.parametrize("setting", ["input_init", "bias_init"])
def test_an_unknown_initialisation_is_refused(setting):
    with pytest.raises(ValueError, match=r"unknown initialisation.* 'he'; known: .*, normal"):
        initial(network("rnn"), **{setting: "he"})
