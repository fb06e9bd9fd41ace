"""Run one analysis of one experiment.

Trained networks and records in, one table and its arrays out.
"""

from pathlib import Path
from typing import Any

import torch

from slowpoints import analyses
from slowpoints.analyses._given import Given
from slowpoints.provenance.records import (
    read_arrays,
    read_records,
    read_table,
    write_arrays,
    write_table,
)
from slowpoints.training.stack import load


def run(
    name: str,
    *,
    settings: dict[str, Any],
    runs: list[Path],
    needs: list[Path],
    data_dir: Path,
    table: Path,
    arrays: Path,
) -> None:
    """Write the table and the arrays of analysis `name` of the networks in `runs`.

    `needs` are tables it reads.
    """
    analysis = analyses.load(name)
    found, kept = analysis.run(
        Given(
            load(runs),
            records=[record for path in runs for record in read_records(path)],
            settings=analysis.Settings(**settings),
            tables={path.stem: read_table(path) for path in needs},
            arrays={path.stem: _tensors(path.with_suffix(".safetensors")) for path in needs},
            data_dir=data_dir,
        )
    )
    write_arrays(arrays, {key: value.numpy() for key, value in kept.items()})
    write_table(table, found)


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    return {key: torch.from_numpy(value) for key, value in read_arrays(path).items()}
