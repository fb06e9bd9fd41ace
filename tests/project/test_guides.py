"""The guides: notebooks a reader runs, executed here from top to bottom."""

import base64
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
PRINTED = {  # what a guide must say, whatever the processor's rounding
    "check-claim": [
        "by hand     [2.338, 3.001]",
        "in the row  [2.331, 2.995]",
        "against 2: holds; in the row: holds",
        "snakemake --cores 1 --forcerun train_stack -- "
        "results/laptop/collins2017-capacity/runs/rnn-",
    ],
    "own-cell": [
        "['own-adding/leaky/0', 'own-adding/leaky/1']",
        "did you mean 'leak'?",
        "2 networks (2 ok)",
        "own-adding/leaky/1         97 parameters",
    ],
    "own-ensemble": ["of 64 networks came below 0.01", "9 fixed points, 4 of them stable"],
    "own-network": ["27 points: 27 fixed, 0 slow", "    8 stable", "kind [2, 2]", "speed [0.001"],
}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks" / "guides").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_a_guide_runs_and_shows_what_it_says(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("MPLBACKEND", "agg")  # as the launcher sets it; the guide asks for its own
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    for wanted in PRINTED[path.stem]:
        assert wanted in text
    pictures = [
        output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})
    ]
    assert pictures
    assert all(len(base64.b64decode(picture)) > 10_000 for picture in pictures)


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_the_page_of_a_guide_was_made_from_it(name: str) -> None:
    """After a change of a guide: `make guides`."""
    page = (ROOT / "docs" / "guides" / f"{name}.md").read_text(encoding="utf-8")
    guide = nbformat.read(  # type: ignore[no-untyped-call]
        ROOT / "notebooks" / "guides" / f"{name}.ipynb", as_version=4
    )
    assert all(cell.source in page for cell in guide.cells)
    assert all(wanted in page for wanted in PRINTED[name])
    assert str(ROOT) not in page
    for picture in re.findall(r"\]\((\S+\.png)\)", page):
        assert (ROOT / "docs" / "guides" / picture).stat().st_size > 10_000
