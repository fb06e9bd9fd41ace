"""Bad input on purpose: a few hundred mutants of every settings file, the same ones each time, and
known hard cases.
"""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from helpers.plans import ROOT
from slowpoints.plan import dag
from slowpoints.spec import config, meaning, reading, registry
from slowpoints.spec.experiment import load
from slowpoints.spec.strict import SpecError, shown, unknown
from tests.fuzz import plans, report
from tests.fuzz.builds import hole
from tests.fuzz.mutants import Mutant, dumped

N = 60  # per kind of file
TREES, _ = report.experiments()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return report.sources(tmp_path_factory.mktemp("mutants"))


@pytest.mark.parametrize(
    "what",
    [
        "what an experiment says",
        "a word of an experiment",
        "an experiment's file",
        "the configuration",
        "a space",
        "the list of pinned data",
    ],
)
def test_a_mutant_is_refused_in_one_message_or_means_what_it_says(
    what: str, sources: dict[str, Any]
) -> None:
    strategy, judge, _ = sources[what]
    answers = []

    @settings(
        max_examples=N,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def check(mutant: Mutant) -> None:
        answer = judge(mutant)
        answers.append(bool(answer.message))
        assert not answer.hole, (mutant._replace(content=b""), answer.hole)

    check()
    assert len(answers) >= N // 2
    assert any(answers)


def test_a_mutant_that_is_accepted_can_be_trained(tmp_path: Path) -> None:
    tree = copy.deepcopy(TREES["long2016-state"])
    path = ("scales", "smoke", "sweep.net.units")
    tree["scales"]["smoke"]["sweep.net.units"] = [1, 5]
    mutant = Mutant("long2016-state", "another value", path, dumped(tree), [1, 5])
    answer = plans.judge(mutant, TREES["long2016-state"], folder=tmp_path)
    assert (answer.message, answer.hole) == ("", "")
    assert answer.found is not None
    assert [hole(run) for run in answer.found["smoke"].runs[:2]] == ["", ""]


def test_the_judge_sees_a_reader_that_takes_a_value_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = TREES["long2016-state"]
    mutant = Mutant("long2016-state", "reordered", (), dumped(tree), same=True)
    assert plans.judge(mutant, tree, folder=tmp_path).hole == ""
    wrong = {"train": tree["train"] | {"clip": 0.5}}
    monkeypatch.setattr(
        "slowpoints.spec.experiment.read_yaml", lambda path: reading.read_yaml(path) | wrong
    )
    assert "planned differently" in plans.judge(mutant, tree, folder=tmp_path).hole


def test_an_arm_that_no_scale_lists_is_refused(tmp_path: Path) -> None:
    tree = TREES["collins2017-random"]
    assert all("arms" in scale for scale in tree["scales"].values())
    content = dumped(tree | {"arms": tree["arms"] | {"where": {"net.cell": "gru"}}})
    answer = plans.judge(
        Mutant("collins2017-random", "extra", ("arms", "where"), content), tree, folder=tmp_path
    )
    assert "arms.where: no scale lists it" in answer.message


REFUSED = {
    "train.lr": ("1.0e-300", "single precision"),
    "seeds": ("10000000", "runs"),
    "net.keep_bias": ("{typo: 1.0}", "unknown stream of pru 'typo'"),
    "claims.0.test.y": ("mze", "unknown column of the table outcomes 'mze'; did you mean 'mse'"),
    "claims.0.test.where": ("{cell: pruu}", "no row where cell is pruu at scale laptop"),
    "claims.0.figure": ("long2016-memorisation", "did you mean 'long2016-memorization'"),
    "claims.0.id": ("long2016-targeted", "is also in"),
    "analyses": (
        "[outcomes, curves, waiting, memory_curve]",
        "reads networks of delayed_classification",
    ),
    "scales.paper": ("{trian.steps: 3}", "scales.paper: unknown key 'trian.steps'"),
    "scales.laptop": ("{arms: [gru, gru]}", "listed twice"),
    "arms": ("{'a;b': {net.cell: gru}}", "a name is letters"),
    "claims.0.test.where.cell": ("[[pru]]", "where.cell: expected a value"),
    "join": ("{'{cell}': {net.cel: '{cell}'}}", "join.{cell}: net: unknown key 'cel'"),
    "seeds_per_stack": ("0", "seeds_per_stack must be at least 1"),
    "arms.pru": (
        "{net.cell: pru, net.units: 5}",
        "arms.pru: net.units has no effect, for net.units is swept",
    ),
    "arms.gru": (
        "{net.cell: gru, net.budget: 500}",
        "net.budget has no effect, for net.units is swept; leave one out",
    ),
    "scales.smoke": ("[1]", "scales.smoke: expected a mapping"),
    "arms.ghost": ("text", "arms.ghost: expected a mapping of overrides"),
    "paper": ("own2020", "unknown value 'own2020'"),
}


@pytest.mark.parametrize("key", REFUSED)
def test_what_used_to_slip_through_is_refused_while_planning(key: str, tmp_path: Path) -> None:
    text, message = REFUSED[key]
    tree = yaml.safe_load((ROOT / "config/experiments/long2016-state.yaml").read_text())
    *path, last = [int(part) if part.isdigit() else part for part in key.split(".")]
    branch = tree
    for part in path:
        branch = branch[part]
    branch[last] = yaml.safe_load(text)
    answer = plans.judge(
        Mutant("long2016-state", "known", (), dumped(tree)),
        TREES["long2016-state"],
        folder=tmp_path,
    )
    laptop = plans.judge(
        Mutant("long2016-state", "known", ("scales", "laptop"), dumped(tree)),
        TREES["long2016-state"],
        folder=tmp_path,
    )
    assert message in (answer.message or laptop.message)
    assert "long2016-state.yaml" in (answer.message or laptop.message)


def test_a_long_value_or_list_is_cut_in_a_message() -> None:
    assert shown("a" * 300) == "'" + "a" * 199 + "... (302 characters)"
    message = str(
        unknown("column_77x", [f"column_{i}" for i in range(1000)], what="column", where="x")
    )
    assert len(message) < 500
    assert "did you mean 'column_77'" in message
    assert "and 980 more" in message


def test_a_column_of_every_claim_is_one_the_analysis_names() -> None:
    own = dag.experiments("laptop")["haviv2019-curricula"]
    assert "accuracy_at_100" in meaning.columns(own, "longevity", tasks=["delayed_classification"])
    assert "accuracy_at_101" not in meaning.columns(
        own, "longevity", tasks=["delayed_classification"]
    )


def test_what_is_no_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "link.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "large.yaml").write_bytes(b"#" * (reading.MOST_BYTES + 1))
    for name, message in (
        ("folder", "not a file"),
        ("link", "link to nowhere"),
        ("large", "settings have at most"),
    ):
        with pytest.raises(SpecError, match=message):
            load(tmp_path / f"{name}.yaml", scale="smoke")


@pytest.mark.parametrize(
    "name", ["own.yml", "Own.yaml", "a;b.yaml", "a b.yaml", "$(x).yaml", "own"]
)
def test_a_file_with_another_name_is_not_passed_over(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config/experiments").mkdir(parents=True)
    (tmp_path / "config/experiments" / name).write_text("")
    monkeypatch.setattr(dag, "ROOT", tmp_path)
    with pytest.raises(SpecError, match="not the name of an experiment"):
        dag.experiments.__wrapped__("smoke")


@given(
    st.dictionaries(
        st.sampled_from(["scale", "slots", "data_dir", "device", "matmul", "x"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
    )
)
@settings(max_examples=100, derandomize=True, database=None, deadline=None)
def test_what_is_given_with_config_is_kept_or_refused_in_one_line(given: dict[str, Any]) -> None:
    base = reading.read_yaml(ROOT / config.FILE)
    slots = given.get("slots", "auto")
    right = {
        "scale": given.get("scale", "laptop") in ("smoke", "laptop", "paper"),
        "slots": slots == "auto"
        or (isinstance(slots, int) and not isinstance(slots, bool) and slots >= 1),
        "data_dir": given.get("data_dir", "") == "",
        "device": given.get("device", "cpu") == "cpu",
        "matmul": given.get("matmul", "float32") == "float32",
        "x": "x" not in given,
    }
    if all(right.values()):
        config.check(base | given, root=ROOT)
        return
    with pytest.raises(SpecError, match=r"^config/config\.yaml or --config: ") as error:
        config.check(base | given, root=ROOT)
    assert len(str(error.value)) < plans.MOST_CHARACTERS
    assert any(key in str(error.value) for key, is_right in right.items() if not is_right)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"bytes": 1960016', '"bytes": NaN', "NaN is not a number"),
        ('"bytes": 1960016', '"bytes": 1, "bytes": 2', "given twice"),
        ('"fb32d6879d', '"fB32d6879d', "hexadecimal"),
        ('"sha256": "fb32', '"sha257": "fb32', "unknown key 'sha257'"),
        ('"idx"', '"pickle"', "unknown value 'pickle'"),
        ('"mnist14/train-images-idx3-ubyte": {', '"../train": {', "below the data folder"),
        ('"train_x": "mnist14/', '"train_x": "mnist15/', "unknown file"),
        ('"http://mattmahoney.net/dc/text8.zip"', '"file:///etc/passwd"', "expected https"),
    ],
)
def test_a_mistyped_pin_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    text = (ROOT / "data/registry.json").read_text()
    assert old in text
    (tmp_path / "registry.json").write_text(text.replace(old, new, 1))
    with pytest.raises(SpecError, match=f"data/registry.json: .*{message}"):
        registry.check(tmp_path / "registry.json")
