"""The paper: what it reads, that no result is typed by hand, and that it compiles whatever was
found.
"""

import math
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from slowpoints.claims.judge import NOT_JUDGED, numbers
from slowpoints.plan import dag, paper_text
from slowpoints.provenance import files
from slowpoints.publish import paper

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "paper" / "paper.typ").read_text("utf-8")
STAMPS = {"scale": "smoke", "commits": "0123456789", "lock": "abc", "n_stacks": "3"}


def test_its_inputs_are_the_figures_and_numbers_that_it_names():
    found = paper_text.inputs(ROOT / "paper" / "paper.typ", folder="results/smoke")
    assert found[0] == "results/smoke/numbers.json"
    figures = {Path(file).stem for file in found[1:]}
    assert figures == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert TEXT.count("/{results}/") == len(found)


def test_no_number_of_a_result_is_typed_in_the_text():
    text = TEXT.partition("no result may be typed below this line")[2]
    text = re.sub(r"\$[^$]*\$", "", text)  # equations
    text = re.sub(r"#set .*|#table\((.|\n)*?table\.header|inset: .*|rgb\(.*?\)", "", text)  # layout
    text = re.sub(r"\d+(\.\d+)?(pt|em|fr|cm)", "", text)
    assert not re.findall(r"\d+\.\d+", text)
    assert set(re.findall(r"\d+(?= ?%)", text)) == {"95", "93"}  # the level of intervals, a grey


HEADLINES = [
    {"paper": paper, "says": "words [with] $signs$", "published": "*", "here": "0.1 [0.0, 0.2]"}
    | {"verdict": verdict, "figures": "overview", "p_holm": p, "p_bh": p}
    for paper, verdict, p in (
        ("long2016", "holds", 0.0),
        ("haviv2019", "holds 1 of 2, fails 1 of 2", 0.2),
        ("ours", "not testable here", math.nan),
    )
]


def row(name: str, verdict: str, *, value: float) -> dict:
    keys = ("statement", "says", "of", "where", "published", "statistic", "threshold", "figure")
    return dict.fromkeys(keys, "words [with] $signs$ #and *stars*") | {
        "id": name,
        "paper": name,
        "experiment": f"{name}-e",
        "estimate": value,
        "low": value,
        "high": value,
        "level": 0.95,
        "n": 0 if math.isnan(value) else 5,
        "counted": "5 networks",
        "fixed": "pilots",
        "why": "words",
        "verdict": verdict,
    }


@pytest.fixture
def project(tmp_path) -> Path:
    """Return a folder with the paper, empty figures, and one claim per paper and verdict."""
    rows = [row("long2016", "holds", value=0.5), row("collins2017", "undecided", value=-1.0),
            row("haviv2019", NOT_JUDGED, value=math.nan)]  # fmt: skip
    flat = numbers(rows, HEADLINES, {}, stamps=STAMPS)
    counts = {
        f"{r['experiment']}.n_{key}": 3 for r in rows for key in ("runs", "diverged", "budget")
    }
    (tmp_path / "paper").mkdir()
    for file in ("paper.typ", "refs.bib"):
        (tmp_path / "paper" / file).write_bytes((ROOT / "paper" / file).read_bytes())
    plt.switch_backend("agg")
    for file in paper_text.inputs(tmp_path / "paper" / "paper.typ", folder="results/smoke")[1:]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        plt.figure(figsize=(1, 1)).savefig(tmp_path / file)
        plt.close()
        (tmp_path / file).with_suffix(".sha256").write_text(files.sums(tmp_path / file), "utf-8")
    (tmp_path / "results/smoke/numbers.json").write_text(files.sealed_json(flat | counts), "utf-8")
    return tmp_path


def compiled(project: Path, results: str = "results/smoke") -> bytes:
    text, out = project / "paper" / "paper.typ", project / "paper.pdf"
    paper.compile_paper(text, scale="smoke", results=results, root=project, out=out)
    return out.read_bytes()


def test_it_compiles_to_the_same_bytes_whatever_the_verdicts(project):
    first = compiled(project)
    assert first.startswith(b"%PDF")
    assert compiled(project) == first


def test_it_compiles_from_another_folder(project):
    first = compiled(project)
    (project / "results" / "redrawn").mkdir()
    (project / "results" / "smoke").rename(project / "results" / "redrawn" / "smoke")
    assert compiled(project, "results/redrawn/smoke") == first


def test_a_number_that_is_missing_stops_it(project):
    file = project / "results" / "smoke" / "numbers.json"
    flat = files.read_json(file)
    del flat["headlines"]
    file.write_text(files.sealed_json(flat), "utf-8")
    with pytest.raises(Exception, match="headlines"):
        compiled(project)
    assert not (project / "paper.pdf").exists()


@pytest.mark.parametrize(
    "name", ["numbers.json", "figures/overview.pdf", "figures/overview.sha256"]
)
@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing"])
def test_a_damaged_number_or_figure_is_named_and_not_printed(name, damage, project):
    file = project / "results" / "smoke" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    {
        "flipped": lambda: file.write_bytes(content),
        "truncated": lambda: file.write_bytes(content[:-9]),
        "missing": file.unlink,
    }[damage]()
    with pytest.raises(
        files.BadResult, match=f"{file.stem}.*(damaged|missing).*rebuild it with: snakemake"
    ):
        compiled(project)
    assert not (project / "paper.pdf").exists()


def test_every_statement_has_its_place_in_the_text():
    listed = {
        name
        for call in re.findall(r"of-figures\(([^)]*)\)", TEXT)
        for name in re.findall(r'"([a-z0-9-]+)"', call)
    }
    papers = set(re.findall(r'#findings\(of-paper\("([a-z0-9]+)"\)\)', TEXT))
    for experiment in dag.experiments("laptop").values():
        for claim in experiment.claims:
            assert experiment.paper in papers or claim.figure in listed, claim.id
