"""Execute the notebook of a figure: executing one twice gives the same bytes."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from slowpoints.notebooks import notebook_page
from slowpoints.plan.notebook import WRITES, NotebookError, parameters
from slowpoints.provenance import files

KERNEL = "slowpoints"


def render(
    path: Path, *, executed: Path, html: Path, sums: Path, given: dict[str, str], root: Path
) -> None:
    """Execute the notebook in `root` with parameters `given`.

    On failure `executed` shows how far it came.

    sums: where the checksums of its figures go
    """
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    if differ := sorted(set(given) ^ set(parameters(path))):
        raise NotebookError(
            f"{path}: parameters {differ} are misspelt, missing or too many; "
            f"the notebook declares {sorted(parameters(path))}"
        )
    executed.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _own_kernel():
            papermill.execute_notebook(
                str(path),
                str(executed),
                parameters=given,
                kernel_name=KERNEL,
                kernel_manager_class=_kernel_manager(),
                language="python",
                cwd=str(root),
                progress_bar=False,
                log_output=False,
            )
    except DeadKernelError:
        raise NotebookError(
            f"{path}: its kernel died (killed, or out of memory); {executed} shows how far it came"
        ) from None
    except PapermillExecutionError as error:
        raise NotebookError(
            f"{path}: {error.ename}: {error.evalue}; {executed} shows how far it came, and the "
            "traceback"
        ) from None
    normal = normalised(json.loads(executed.read_text(encoding="utf-8")))
    files.write_text(
        executed, json.dumps(normal, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    )
    html.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(html, notebook_page.page(executed))
    written = [file for name, file in given.items() if name in WRITES]
    if missing := [file for file in written if not (root / file).is_file()]:
        raise NotebookError(f"{path}: the notebook did not write {', '.join(missing)}")
    files.write_text(sums, files.sums(*(root / file for file in written)))


def _kernel_manager() -> type[Any]:
    """Return the class that starts and ends a kernel, and asks it to end without interrupting it
    first.

    At its end a notebook has nothing to interrupt; a kernel that still sends its last answer would
    log an error.
    """
    from jupyter_client.manager import AsyncKernelManager

    class Manager(AsyncKernelManager):
        async def _async_interrupt_kernel(self) -> None:
            pass

    return Manager


@contextmanager
def _own_kernel() -> Iterator[None]:
    """Offer one kernel, this very interpreter, and keep the user's Jupyter and IPython settings
    out.
    """
    with TemporaryDirectory() as folder:
        spec = Path(folder, "kernels", KERNEL, "kernel.json")
        spec.parent.mkdir(parents=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        # each kernel warns that its sockets on this machine are not encrypted
        argv += ["--log-level=ERROR"]
        path = os.pathsep.join(
            filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")))
        )
        kernel = {
            "argv": argv,
            "display_name": KERNEL,
            "language": "python",
            "env": {"PYTHONPATH": path},
        }
        spec.write_text(json.dumps(kernel), encoding="utf-8")
        own = dict.fromkeys(
            ("JUPYTER_PATH", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"), folder
        )
        with patch.dict(os.environ, own):
            yield


def normalised(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook without times, random ids and versions, so that equal results are equal
    bytes.
    """
    cells = [_normalised_cell(cell, number) for number, cell in enumerate(notebook["cells"])]
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _normalised_cell(cell: dict[str, Any], number: int) -> dict[str, Any]:
    tags = cell["metadata"].get("tags")
    return {**cell, "id": f"cell-{number:03}", "metadata": {"tags": tags} if tags else {}}
