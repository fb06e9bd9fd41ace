"""From numbers to records, on the run that the project keeps."""

import re

import pytest

from helpers.plans import ROOT
from slowpoints import trace
from slowpoints.trace import chain, claim, find, things
from slowpoints.trace.place import Place, TraceError, claims, numbers

KEPT = Place("laptop", "paper/reference/laptop", is_kept=True)
RUN = "collins2017-capacity/rnn/budget=1000,study=0/rerun/0"


@pytest.fixture(autouse=True)
def kept_alone(monkeypatch):
    """Look at the kept run only, whatever lies under results/."""
    monkeypatch.setattr(trace, "places", lambda scale: [KEPT])


def test_every_number_of_the_paper_leads_to_records_and_is_computed_anew():
    assert trace.untraced(KEPT) == []


def test_every_key_that_the_paper_reads_is_a_number_that_is_traced():
    text = (ROOT / "paper" / "paper.typ").read_text("utf-8")
    named = set(re.findall(r"#numbers\.(\w+)", text))
    assert len(named) >= 5
    assert named - {"at"} <= set(numbers(KEPT))


def numbers_of_the_claims() -> set[str]:
    page = (ROOT / "docs" / "claims.md").read_text("utf-8")
    rows = [
        line.split(" | ")[3]
        for line in page.splitlines()
        if line.count(" | ") == 9 and "| statement" not in line
    ]
    return {word for row in rows for word in re.findall(r"(?<![\w.−])−?\d[\d.]*(?:e−?\d+)?", row)}


def test_every_number_of_the_page_of_claims_is_found():
    words = numbers_of_the_claims()
    assert len(words) > 300
    assert "−0.34" in words
    assert [word for word in words if not find.keys(KEPT, word)] == []


def test_a_number_that_its_table_does_not_give_is_seen(monkeypatch):
    rows = {name: dict(row) for name, row in claims(KEPT).items()}
    rows["collins2017-rnn-bits"]["estimate"] += 0.01
    claim.claim_chain.cache_clear()
    monkeypatch.setattr(claim, "claims", lambda place: rows)
    lost = {
        name
        for name in ("collins2017-rnn-bits", "collins2017-five-bits")
        if trace.leads_nowhere(KEPT, f"{name}.n")
    }
    claim.claim_chain.cache_clear()
    assert lost == {"collins2017-rnn-bits"}


def test_a_number_without_records_is_seen(monkeypatch):
    claim.claim_chain.cache_clear()
    monkeypatch.setattr(chain, "jobs", lambda place: {})
    keys = ["n_holds", "collins2017-rnn-bits.estimate", "long2016-state.n_runs"]
    assert all(trace.leads_nowhere(KEPT, key) for key in keys)
    claim.claim_chain.cache_clear()


def test_a_number_is_told_with_all_that_it_rests_on():
    text = trace.trace("3.15", scale="laptop")
    for word in (
        "claim collins2017-rnn-bits, estimate",
        "docs/claims.md:",
        "paper/paper.typ:",
        "computed anew 3.153",
        "the same",
        "6 of 840 rows",
        "notebooks/collins2017-capacity.ipynb",
        "config/experiments/collins2017-capacity.yaml:",
        "collins2017-capacity/rnn/budget=1000,study=0/rerun/{0,1}",
        "commit ",
        "lock of train: digest",
        "torch 2.",
        "snakemake --cores 2 --force results/laptop/claims.csv",
    ):
        assert word in text, word


def test_a_run_is_followed_in_both_directions():
    text = trace.trace(RUN, scale="laptop")
    assert re.search(
        r"record +results/laptop/collins2017-capacity/runs/rnn-[0-9a-f]{8}-0.jsonl, line 9", text
    )
    assert "collins2017-rnn-bits" in text
    assert "collins2017-capacity" in re.search(r"figures +(.*)", text)[1]


def test_a_claim_rests_on_the_runs_in_its_rows_alone():
    runs = claim.claim_chain(KEPT, "collins2017-rnn-bits").runs
    assert runs == {
        f"collins2017-capacity/rnn/budget=1000,study={study}/rerun/{seed}"
        for study in range(3)
        for seed in range(2)
    }


@pytest.mark.parametrize(
    "word", ["haviv2019-speed", "notebooks/haviv2019-speed.ipynb", "figures/haviv2019-speed.png"]
)
def test_a_figure_leads_to_its_tables_and_runs(word):
    found = find.named(KEPT, word)
    assert found is not None
    reads = {value for label, value in found.facts if label == "reads"}
    assert "paper/reference/laptop/tables/haviv2019-curricula/longevity.csv" in reads
    assert len(found.runs) == 36


@pytest.mark.parametrize(
    ("word", "title"),
    [
        ("haviv2019-cells", "experiment haviv2019-cells"),
        ("config/experiments/haviv2019-cells.yaml", "experiment haviv2019-cells"),
        (
            "paper/reference/laptop/tables/long2016-state/outcomes.csv",
            "table outcomes of long2016-state",
        ),
        ("long2016-state.n_runs", "number long2016-state.n_runs"),
        ("n_fails", "number n_fails"),
    ],
)
def test_names_and_files_are_known(word, title):
    found = find.named(KEPT, word)
    assert found is not None
    assert found.title == title
    assert found.runs


def test_a_stack_is_known_by_each_of_its_files():
    job = next(iter(chain.jobs(KEPT)["long2016-state"]))
    names = {
        find.named(KEPT, word).title
        for word in (job.stack, job.records, job.beside("plan"), job.beside("weights"))
    }
    assert names == {f"stack {job.stack} of long2016-state"}


def test_a_sentence_of_the_readme_leads_to_the_figures_it_links():
    found = [passage for passage in find.passages(find.number("37 %")) if passage.figures]
    assert [passage.figures for passage in found][:1] == [["collins2017-bridge"]]
    assert "bridge" in trace.trace("37 %", scale="laptop")


def test_a_word_that_leads_nowhere_says_what_was_looked_at_and_what_is_near():
    with pytest.raises(
        TraceError, match=r"paper/reference/laptop \(\d+ numbers.*near to it: haviv2019-speed"
    ):
        trace.trace("haviv2019-spede", scale="laptop")
    with pytest.raises(TraceError, match=r"near to it: \d"):
        trace.trace("12345.678", scale="laptop")


def test_a_number_of_a_table_alone_is_found_there():
    text = trace.trace("0.8662420511245728", scale="laptop")
    assert "tables/collins2017-capacity/bits.csv, line 82, column accuracy" in text


@pytest.mark.parametrize(
    ("value", "word", "is_shown"),
    [
        (3.5694, "3.57", True),
        (3.5694, "3.6", True),
        (3.5694, "3.56", False),
        (3.5694, "4", False),
        (-0.6533, "−0.653", True),
        (-0.6533, "-0.653", True),
        (-0.6533, "0.653", False),
        (1.81e-5, "1.81e−05", True),
        (20, "20", True),
        (20.4, "20", False),
        (0.998, "99.8 %", True),
        (0.0, "0", True),
        (True, "1", False),
        (float("nan"), "0", False),
        (5410, "5,410", True),
        (5410.0, "5410", True),
        (3.5694, "3.570", True),
        (0.86, "90 %", False),
        (0.9, "90%", True),
        (0.998, "100 %", True),
        (15, "1,5", False),
        (5.4966, "5.5", True),
    ],
)
def test_how_numbers_are_shown(value, word, is_shown):
    wanted = find.number(word)
    assert (wanted is not None and find.is_shown_as(value, wanted)) is is_shown


def test_words_are_no_numbers():
    assert [find.number(word) for word in ("speed", "NaN", "Infinity", "", "1,5", "12,34")] == [
        None
    ] * 6


WRITTEN = {  # one number per line of a README, and what may be typed to find it
    "- All 5,410 networks": ["5410", "5,410", "5410.0"],
    "- that 1234567 steps": ["1,234,567", "1234567"],
    "- a correlation of −0.653 [": ["-0.653", "\N{MINUS SIGN}0.653", "-0.65", "-0.6532"],
    "- another (-0.25),": ["-0.25", "\N{MINUS SIGN}0.250"],
    "- 5.5 bits": ["5.5", "5.50", "5.497"],
    "- 7.10 bits.": ["7.1", "7.10", "7.098"],
    "- 91 % of them": ["91 %", "91%", "0.91", "91.0 %"],
    "- 12.5% of them": ["12.5 %", "0.125", "12.5%"],
    "- 1.81e−05 per step": ["1.81e-5", "0.0000181", "1.81e\N{MINUS SIGN}05"],
    "- torch 2.13.0, v1.4, x3": [],
}


@pytest.mark.parametrize(
    ("line", "word"), [(line, word) for line, words in WRITTEN.items() for word in words]
)
def test_a_number_is_found_however_it_is_written(line, word, tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text("\n".join(WRITTEN), "utf-8")
    monkeypatch.setattr(find, "ROOT", tmp_path)
    assert [passage.text for passage in find.passages(find.number(word))] == [line]


@pytest.mark.parametrize(
    "word", ["0.653", "410", "541", "5", "6", "7", "91", "-91 %", "2.13", "1.4", "3", "-5.5"]
)
def test_another_number_is_not_taken_for_it(word, tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text("\n".join(WRITTEN), "utf-8")
    monkeypatch.setattr(find, "ROOT", tmp_path)
    assert find.passages(find.number(word)) == []


def test_a_number_of_the_texts_is_found_without_its_separators():
    prose = "\n".join(
        line
        for line in (ROOT / "docs" / "findings.md").read_text("utf-8").splitlines()
        if line[:1] != "|"
    )
    words = re.findall(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\w.,])", prose)
    assert words
    for word in words:
        found = find.passages(find.number(word))
        assert any(word in passage.text for passage in found)
        assert find.passages(find.number(word.replace(",", ""))) == found
    assert words[0] in trace.trace(words[0].replace(",", ""), scale="laptop")


def test_a_scale_without_results_says_how_to_make_them(monkeypatch):
    monkeypatch.undo()
    with pytest.raises(TraceError, match="snakemake --cores 2 --config scale=nowhere"):
        trace.places("nowhere")


def test_counts_rest_on_the_runs_they_count():
    found = things.key_chain(KEPT, "collins2017-capacity.n_ok")
    assert len(found.runs) == numbers(KEPT)["collins2017-capacity.n_ok"]
