"""What figures are drawn from: the tables of a run or, in a clone without one, those kept of it."""

from pathlib import Path

import pandas as pd

from slowpoints import paths
from slowpoints.provenance import records


def read_table(file: str) -> pd.DataFrame:
    """Return a table of a run, verified; where there is no such run, the one that is kept of it.

    file: below results/<scale>, seen from the project's root

    Which one it is, is printed where it is not the run's.

    Raises:
        BadResult: the table is neither here nor kept, or is damaged.
    """
    _, scale, *_ = (*Path(file).parts, "", "")
    if file.startswith(f"{paths.results(scale)}/") and not Path(file).is_file():
        kept = paths.kept_table(paths.kept(scale), paths.experiment_of(file), Path(file).stem)
        if Path(kept).is_file():
            print(f"{file}: not run here; this is the kept one, {kept}")
            return records.read_table(kept)
    return records.read_table(file)
