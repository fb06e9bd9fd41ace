"""Panels and printed tables of tuned experiments, and the published numbers beside them."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from helpers.trial_tables import PUBLISHED, authors, study, tables, trial
from slowpoints import figures
from slowpoints.figures import published
from slowpoints.figures.printed import Quoted
from slowpoints.figures.style import GREY

pytestmark = pytest.mark.usefixtures("_fresh_sheet")
NOTHING = pd.DataFrame([], columns=PUBLISHED)


def axis():
    return figures.grid(1, 1, height=2)[1][0, 0]


def theirs(figure: str, table: pd.DataFrame | None = None) -> pd.DataFrame:
    source = pd.DataFrame(authors(), columns=PUBLISHED) if table is None else table
    return figures.authors_trials(source, task_type="mem_thru", figure=figure)


@pytest.mark.parametrize(
    ("how", "wanted"), [("median", [0.5, 0.5, 0.6, 0.5]), ("min", [0.5, 0.5, 0.5, 0.3])]
)
def test_lines_run_over_the_trials_so_far_in_their_order(how, wanted):
    losses = [0.5, None, 0.7, 0.3]
    own = tables([trial("gru", number, loss) for number, loss in enumerate(losses)])["trials"]
    place = axis()
    figures.running(
        place, own.sample(frac=1, random_state=0), how=how, theirs=theirs("fig4", NOTHING)
    )
    (line,) = [drawn for drawn in place.lines if drawn.get_label() == "GRU"]
    assert line.get_xdata().tolist() == [1, 2, 3, 4]
    assert line.get_ydata() == pytest.approx(np.array(wanted))


def test_published_trials_are_grey_and_go_by_our_names():
    found = theirs("fig4")
    assert set(found["cell"]) == {"gru", "intersection_rnn"}
    assert len(found) == 2 * 2 * 6
    assert theirs("fig4", NOTHING).empty
    place = axis()
    own = tables(study("gru"))["trials"]
    figures.running(place, own, how="min", theirs=found[found["depth"] == 1])
    assert [to_hex(line.get_color()) for line in place.lines].count(to_hex(GREY)) == 2
    assert place.get_xscale() == "log"


def test_a_box_is_drawn_for_every_cell_that_has_a_loss():
    own = tables(study("gru") + study("rnn", learned=False))["trials"]
    place = axis()
    figures.boxes(place, own, theirs=theirs("fig5", NOTHING))
    boxes = [line for line in place.lines if len(line.get_xdata()) == 5]
    assert [to_hex(line.get_color()) for line in boxes] == [to_hex(figures.colour("gru"))]
    q1, q3 = own["eval_loss"].quantile([0.25, 0.75])
    assert (min(boxes[0].get_ydata()), max(boxes[0].get_ydata())) == pytest.approx((q1, q3))
    figures.boxes(place, own, theirs=theirs("fig5").query("depth == 1"))
    assert to_hex(GREY) in {to_hex(line.get_color()) for line in place.lines}


def test_failures_stand_beside_the_published_share():
    own = tables([trial("irnn", number, None if number < 6 else 1.5) for number in range(8)])[
        "trainability"
    ]
    place = axis()
    figures.failures(place, own)
    shown = [
        float(line.get_ydata()[0])
        for line in place.lines
        if line.get_marker() == figures.marker("irnn")
    ]
    assert shown == pytest.approx([6 / 8, 2 / 8])
    (grey,) = [line for line in place.lines if line.get_color() == GREY]
    assert grey.get_ydata()[0] == pytest.approx(0.567)


def test_bars_are_of_the_named_hyperparameters_in_their_order():
    shares = pd.DataFrame(
        [
            ("train.lr", 0.2),
            ("net.input_scale", 0.7),
            ("net.input_scale.gate", 0.7),
            ("train.clip", np.nan),
        ],
        columns=["hyperparameter", "importance"],
    ).assign(cell="gru", low=0.1, high=0.9)
    names = figures.ranked(shares)
    assert names == ["net.input_scale", "train.lr", "train.clip"]
    place = axis()
    figures.importance_bars(place, shares, names=names)
    assert [bar.get_width() for bar in place.patches][:2] == [0.7, 0.2]
    assert [text.get_text() for text in place.get_yticklabels()] == ["input scale", "lr", "clip"]


def test_reruns_stand_above_the_published_ones():
    made = tables(
        study("gru", phase="rerun") + study("pru", phase="rerun") + study("gru-4", phase="rerun")
    )
    rows = figures.rerun_rows(made["trainability"])
    assert [(row["network"], row["whose"]) for row in rows] == [
        ("GRU", "ours"), ("GRU", "published"), ("PRU", "ours"), ("GRU (4 layers)", "ours")
    ]  # fmt: skip
    assert (rows[1]["n"], rows[1]["infeasible"], rows[1]["mean"]) == ("100", "1%", "0.000189")
    assert {name for name, text in rows[1].items() if isinstance(text, Quoted)} == set(rows[1]) - {
        "network"
    }
    assert not any(isinstance(text, Quoted) for text in rows[0].values())


def test_what_is_quoted_is_printed_in_grey():
    figure = figures.printed([{"ours": "1", "theirs": Quoted("2")}])
    inks = {text.get_text(): text.get_color() for text in figure.axes[0].texts}
    assert inks["2"] == GREY
    assert inks["1"] != GREY


def test_tests_stand_beside_the_published_ones_with_the_sign_of_their_order():
    low, high = (
        [trial(arm, n, scale * (1 + n)) for n in range(3)]
        for arm, scale in (("gru", 0.1), ("irnn", 0.3))
    )
    rows = figures.welch_rows(tables(low + high + study("pru"))["welch"])
    turned = figures.welch_rows(tables(high + low)["welch"])
    assert [row["published t"] for row in rows] == ["−7.74", "–", "–"]
    assert turned[0]["published t"] == "7.74"
    assert rows[0]["t"] == f"−{turned[0]['t']}"


def test_the_agreement_counts_signs_of_pairs_that_were_published():
    made = pd.DataFrame(
        [("gru", "irnn", -1.0), ("lstm", "gru", -2.0), ("gru", "pru", 3.0), ("gru", "rnn", np.nan)],
        columns=["cell", "other_cell", "t"],
    )
    assert figures.agreement(made.assign(depth=1)) == "1 of 2 pairs"


def test_published_values_are_found_at_their_depth():
    assert published.infeasible("gru", depth=1) == pytest.approx(0.155)
    assert published.infeasible("gru", depth=4) == pytest.approx(0.032)
    assert published.infeasible("pru", depth=1) is None
    assert published.welch_t("rnn", "ugrnn", depth=8) == (2.81, 0.005)
    assert published.welch_t("ugrnn", "rnn", depth=1) == (-20.7, None)
    assert len(published.WELCH[1]) == 10
    assert len(published.WELCH[8]) == 15


def test_the_medians_of_what_did_not_diverge_are_words():
    own = tables(study("gru", n=10) + study("rnn", learned=False))["trials"]
    assert figures.medians(own, by="arm", y="eval_loss").startswith("GRU 0.65 [")
    assert figures.medians(own, by="arm", y="eval_loss").endswith("RNN (nothing to estimate)")
