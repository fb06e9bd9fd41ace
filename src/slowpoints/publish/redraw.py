"""Figures drawn again from the tables that are kept of a run, without training."""

from collections.abc import Iterable
from pathlib import Path

from slowpoints import paths
from slowpoints.errors import SlowpointsError
from slowpoints.notebooks import execution
from slowpoints.paths import ROOT
from slowpoints.plan import dag, notebook
from slowpoints.plan.notebook import WRITES


class NotKept(SlowpointsError):
    """A figure whose tables are not all kept: which, and how to make them."""


def redraw(names: Iterable[str], *, scale: str, out: Path) -> list[Path]:
    """Draw figures into the folder `out`, and return their PNG files.

    names: of figures; none means all
    """
    wanted = list(names) or dag.figure_names()
    for name in wanted:
        dag.figure_inputs(scale, name)  # an unknown name is an error before anything is drawn
    return [_drawn(name, scale=scale, out=out.absolute()) for name in wanted]


def _drawn(name: str, *, scale: str, out: Path) -> Path:
    source = ROOT / "notebooks" / f"{name}.ipynb"
    given = {
        parameter: str(out / Path(file).name) if parameter in WRITES else _kept(file, scale=scale)
        for parameter, file in notebook.at_scale(source, scale=scale).items()
    }
    if missing := [
        file for key, file in given.items() if not (key in WRITES or Path(file).is_file())
    ]:
        raise NotKept(
            f"figure {name}: {', '.join(missing)} is not kept; make it with: "
            f"snakemake --cores 2 {paths.figure(scale, name)}"
        )
    execution.render(
        source,
        executed=out / f"{name}.ipynb",
        html=out / f"{name}.html",
        sums=out / f"{name}.sha256",
        given=given,
        root=ROOT,
    )
    return out / f"{name}.png"


def _kept(file: str, *, scale: str) -> str:
    """Return where a table of a run is kept."""
    return str(
        ROOT / paths.kept_table(paths.kept(scale), paths.experiment_of(file), Path(file).stem)
    )
