"""What a notebook of a figure reads and writes: its parameters cell is the dependency list.

Standard library only: read while planning.
"""

import ast
import json
from pathlib import Path

from slowpoints import paths
from slowpoints.errors import SlowpointsError

# the parameters that name what a notebook writes; all others are tables it reads
WRITES = ("pdf", "png")
DEFAULT_ROOT = f"{paths.results('laptop')}/"


class NotebookError(SlowpointsError):
    """A notebook that cannot be planned or executed: which one, why, and what would be right."""


def parameters(path: Path) -> dict[str, str]:
    """Return {name: file} from the cell tagged "parameters": what the notebook reads and writes."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise NotebookError(f"{path}: expected one cell tagged 'parameters', found {len(tagged)}")
    try:
        return dict(_assignment(line) for line in ast.parse("".join(tagged[0]["source"])).body)
    except (SyntaxError, ValueError):
        raise NotebookError(
            f'{path}: the parameters cell may only hold lines such as: table = "results/...csv"'
        ) from None


def code_cells(path: Path) -> list[str]:
    """Return the source of every code cell: what a figure's bytes depend on."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def _assignment(line: ast.stmt) -> tuple[str, str]:
    if not (
        isinstance(line, ast.Assign)
        and len(line.targets) == 1
        and isinstance(line.targets[0], ast.Name)
    ):
        raise ValueError(ast.dump(line))
    value = ast.literal_eval(line.value)
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    return line.targets[0].id, value


def at_scale(path: Path, *, scale: str) -> dict[str, str]:
    """Return the parameters of the notebook in `path` for one scale."""
    found = parameters(path)
    if wrong := sorted(v for v in found.values() if not v.startswith(DEFAULT_ROOT)):
        raise NotebookError(f"{path}: parameters must be files under {DEFAULT_ROOT}; found {wrong}")
    if missing := sorted(set(WRITES) - set(found)):
        raise NotebookError(
            f"{path}: the parameters cell lacks {missing}: the figure the notebook writes"
        )
    return {
        name: paths.whole(scale, file.removeprefix(DEFAULT_ROOT)) for name, file in found.items()
    }


def inputs(path: Path, *, scale: str) -> dict[str, str]:
    """Return {parameter: table} that the notebook reads."""
    return {name: file for name, file in at_scale(path, scale=scale).items() if name not in WRITES}


def outputs(path: Path, *, scale: str) -> dict[str, str]:
    """Return {parameter: figure} that the notebook writes."""
    return {name: file for name, file in at_scale(path, scale=scale).items() if name in WRITES}
