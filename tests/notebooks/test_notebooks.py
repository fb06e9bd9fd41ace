"""Notebooks: read strictly, stored clean, executed to equal bytes, drawing poor data without a
warning.
"""

import ast
import json
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from helpers.figure_tables import write_all
from slowpoints.figures import style
from slowpoints.measures import statistics
from slowpoints.notebooks import execution
from slowpoints.plan import notebook
from slowpoints.plan.notebook import NotebookError
from slowpoints.provenance import files

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def written(path: Path, *cells: tuple[str, str]) -> Path:
    """Write a notebook of (tag, code) cells."""
    content = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "metadata": {"tags": [tag] if tag else []},
            "source": code,
            "outputs": [],
            "execution_count": None,
        }
        for i, (tag, code) in enumerate(cells)
    ]
    path.write_text(
        json.dumps({"cells": content, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), "utf-8"
    )
    return path


PARAMETERS = (
    'table = "results/laptop/e/tables/t.csv"\npdf = "results/laptop/f.pdf"\npng = '
    '"results/laptop/f.png"'
)
DRAW = "from pathlib import Path\nPath(pdf).parent.mkdir(parents=True, exist_ok=True)\n"
DRAW += "written = [Path(file).write_text(file) for file in (pdf, png)]"


def test_inputs_and_outputs_are_read_for_any_scale(tmp_path):
    path = written(tmp_path / "n.ipynb", ("parameters", PARAMETERS))
    assert notebook.inputs(path, scale="smoke") == {"table": "results/smoke/e/tables/t.csv"}
    assert notebook.outputs(path, scale="paper") == {
        "pdf": "results/paper/f.pdf",
        "png": "results/paper/f.png",
    }


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ('table = "a.csv"', "must be files under results/laptop/"),
        ('table = "results/laptop/t.csv"', r"lacks \['pdf', 'png'\]"),
        ("table = open('x')", "may only hold lines such as"),
        ("table = 3", "may only hold lines such as"),
        ("import os", "may only hold lines such as"),
        ("table = (", "may only hold lines such as"),
    ],
)
def test_a_parameters_cell_that_names_no_files_is_refused(code, message, tmp_path):
    with pytest.raises(NotebookError, match=message):
        notebook.at_scale(written(tmp_path / "n.ipynb", ("parameters", code)), scale="smoke")


@pytest.mark.parametrize("tags", [(), ("parameters", "parameters")])
def test_there_is_exactly_one_parameters_cell(tags, tmp_path):
    path = written(tmp_path / "n.ipynb", *((tag, PARAMETERS) for tag in tags), ("", "x = 1"))
    with pytest.raises(NotebookError, match="expected one cell tagged 'parameters'"):
        notebook.parameters(path)


def made(path: Path, folder: Path, given: dict[str, str]) -> None:
    execution.render(
        path,
        executed=folder / "e.ipynb",
        html=folder / "e.html",
        sums=folder / "e.sha256",
        given=given,
        root=folder,
    )


@pytest.mark.parametrize(
    "given", [{"tabel": "a"}, {"table": "a"}, {"table": "a", "pdf": "b", "png": "c", "more": "d"}]
)
def test_a_parameter_misspelt_missing_or_too_many_is_an_error(given, tmp_path):
    path = written(tmp_path / "n.ipynb", ("parameters", PARAMETERS))
    with pytest.raises(NotebookError, match="misspelt, missing or too many"):
        made(path, tmp_path, given)


def rendered(path: Path, folder: Path) -> tuple[bytes, bytes]:
    made(path, folder, notebook.at_scale(path, scale="smoke"))
    return (folder / "e.ipynb").read_bytes(), (folder / "e.html").read_bytes()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the notebook tools themselves
def test_executing_twice_gives_the_same_bytes_with_our_parameters_and_interpreter(tmp_path):
    code = "import sys, slowpoints\nprint(table, pdf, sys.executable)"
    path = written(tmp_path / "n.ipynb", ("parameters", PARAMETERS), ("", code), ("", DRAW))
    first, second = rendered(path, tmp_path), rendered(path, tmp_path)
    assert first == second
    assert b"results/smoke/e/tables/t.csv results/smoke/f.pdf" in first[0]
    (tmp_path / "e.sha256").rename(tmp_path / "results/smoke/f.sha256")
    for name in ("f.pdf", "f.png"):
        files.check(tmp_path / "results/smoke" / name, beside=tmp_path / "results/smoke/f.sha256")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_that_does_not_write_its_figure_is_an_error(tmp_path):
    path = written(tmp_path / "n.ipynb", ("parameters", PARAMETERS), ("", "x = 1"))
    with pytest.raises(NotebookError, match=r"did not write results/smoke/f\.pdf"):
        rendered(path, tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_kernel_that_is_killed_is_named(tmp_path):
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    path = written(tmp_path / "n.ipynb", ("parameters", PARAMETERS), ("", code))
    with pytest.raises(NotebookError, match="its kernel died"):
        rendered(path, tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_that_fails_stays_readable_up_to_its_failure(tmp_path):
    path = written(
        tmp_path / "n.ipynb", ("parameters", PARAMETERS), ("", "print('so far')"), ("", "1 / 0")
    )
    with pytest.raises(
        NotebookError, match=r"n\.ipynb: ZeroDivisionError: division by zero; .*e\.ipynb shows"
    ):
        rendered(path, tmp_path)
    partial = (tmp_path / "e.ipynb").read_text("utf-8")
    assert "so far" in partial
    assert "ZeroDivisionError" in partial
    assert not (tmp_path / "e.html").exists()


SLOW_ANSWER = """
import time
own = get_ipython().kernel
asked = own.shell_handlers["kernel_info_request"]
async def answered(*words):
    await asked(*words)
    time.sleep(0.5)
own.shell_handlers["kernel_info_request"] = answered
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_figure_that_was_drawn_leaves_no_error_in_its_log(tmp_path, capfd):
    """Its kernel is still at its last answer when it is shut down."""
    path = written(tmp_path / "n.ipynb", ("parameters", PARAMETERS), ("", DRAW), ("", SLOW_ANSWER))
    rendered(path, tmp_path)
    assert capfd.readouterr().err == ""


@every_notebook
def test_notebooks_are_stored_without_outputs_and_traces(path):
    stored = json.loads(path.read_text("utf-8"))
    for number, cell in enumerate(stored["cells"]):
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert set(cell["metadata"]) <= {"tags"}
        assert cell["id"] == str(number), "run nbstripout"
    assert set(stored["metadata"]) == {"kernelspec", "language_info"}


@every_notebook
def test_notebooks_have_the_shape_title_parameters_load_plot_sentence(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    assert "".join(cells[0]["source"]).startswith("# ")
    assert cells[1]["metadata"] == {"tags": ["parameters"]}
    assert "figures.save(figure, pdf=pdf, png=png)" in "".join(cells[-2]["source"])
    assert "print(" in "".join(cells[-1]["source"])
    notebook.at_scale(path, scale="smoke")


@every_notebook
def test_notebooks_read_tables_and_define_no_long_function(path):
    for code in notebook.code_cells(path):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 5, node.name
            if isinstance(node, ast.ImportFrom) and node.module.startswith("slowpoints"):
                names = {alias.name for alias in node.names}
                assert (node.module, names) in (
                    ("slowpoints", {"figures"}),
                    ("slowpoints.figures", {"read_table"}),
                )


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict[bool, Path]:
    """Return a folder with results of networks that learned, and one of networks that did not."""
    folders = {learned: tmp_path_factory.mktemp("tables") for learned in (True, False)}
    for learned, folder in folders.items():
        write_all(folder / "results" / "smoke", learned=learned)
    return folders


@pytest.fixture
def quick(monkeypatch) -> pytest.MonkeyPatch:
    """Draw small pictures off screen, with few resamples."""
    plt.switch_backend("agg")
    monkeypatch.setitem(style.STYLE, "savefig.dpi", 30)
    monkeypatch.setattr(statistics, "N_RESAMPLES", 40)
    return monkeypatch


@pytest.mark.parametrize("learned", [True, False], ids=["learned", "nothing learned"])
@every_notebook
def test_notebooks_draw_two_seeds_diverged_and_empty_data_without_a_warning(
    path, learned, tables, quick, capsys
):
    quick.chdir(tables[learned])
    names = dict(notebook.at_scale(path, scale="smoke"))
    for code in notebook.code_cells(path)[1:]:
        exec(compile(code, path.stem, "exec"), names)
    plt.close("all")
    assert Path(names["pdf"]).stat().st_size > 1000
    assert Path(names["png"]).stat().st_size > 1000
    said = capsys.readouterr().out
    assert said.endswith(".\n")
    assert "nan" not in said
