"""The page of an executed notebook.

Stands alone, runs nothing, and says in words what its figure shows.
"""

import json
import re
from pathlib import Path

import pytest

from slowpoints.notebooks import notebook_page

# of the notebook tools themselves
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HOSTILE = (
    '<script src="https://example.org/a.js"></script><img '
    'src="https://example.org/a.png" onerror="run()">'
)


def executed(folder: Path, prose: str, outputs: list[dict]) -> str:
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": prose},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "source": "x = 1  # <b>",
            "outputs": outputs,
            "execution_count": 1,
        },
    ]
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    path = folder / "n.ipynb"
    path.write_text(
        json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}),
        "utf-8",
    )
    return notebook_page.page(path)


def shown(**data: str) -> dict:
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {k.replace("_", "/"): v for k, v in data.items()},
    }


def test_a_page_fetches_nothing_and_runs_nothing(tmp_path):
    page = executed(tmp_path, "# Title\n\nProse.", [shown(image_png=PIXEL)])
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "default-src 'none'" in page


@pytest.mark.parametrize(
    "outputs", [[], [shown(text_html=HOSTILE)]], ids=["in its prose", "in its outputs"]
)
def test_what_a_notebook_holds_of_html_cannot_run_or_fetch(outputs, tmp_path):
    page = executed(tmp_path, f"# Title\n\n{HOSTILE}", outputs)
    assert "<script" not in page
    assert not re.findall(r'<img[^>]*src="https', page)
    assert not re.findall(r"<[^>]+onerror", page)


def test_a_javascript_output_is_left_out(tmp_path):
    page = executed(tmp_path, "# Title", [shown(**{"application_javascript": "run()"})])
    assert "run()" not in page


def test_a_figure_has_its_sentence_as_text_for_those_who_do_not_see_it(tmp_path):
    outputs = [
        shown(image_png=PIXEL),
        {"output_type": "stream", "name": "stdout", "text": "GRU < LSTM: 0.1 & more.\n"},
    ]
    page = executed(tmp_path, "# Two cells\n\nProse.", outputs)
    assert 'alt="Two cells. GRU &lt; LSTM: 0.1 &amp; more."' in page
    assert notebook_page.said(page) == "GRU < LSTM: 0.1 & more."
    assert "<title>Two cells</title>" in page
    assert '<html lang="en">' in page
