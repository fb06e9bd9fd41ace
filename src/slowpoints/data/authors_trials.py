"""All hyperparameter trials of Collins et al. (2017), as the authors published them (CC BY 4.0).

One archive (github.com/jazcollins/cap-n-train-hps) holds a pickled structured array per figure,
whose columns are those of COLUMNS. It is read from the user's folder only: it lies in Git LFS, and
no address of the file itself is known. Its hash is checked before anything is read; members are
read in memory, never unpacked, and unpickled as arrays alone.

We have not seen the archive. That its members are named *.p, and their columns, is what the
authors' README says.
"""

import json
import math
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from slowpoints.data.files import find
from slowpoints.data.pickles import read_pickle
from slowpoints.data.registry import HOME, DataError, get_dataset

NAME = "cap-n-train-hps"
LOSSES = ("train_loss", "valid_loss", "eval_loss")
COLUMNS = (
    "architecture",
    "task_type",
    "hparams",
    "n_layers",
    "hyper_iter",
    "max_params",
    "num_params",
    *LOSSES,
)


def rows(*, data_dir: Path | None = None, home: Path = HOME) -> Iterator[dict[str, Any]]:
    """Yield one row per trial: COLUMNS, and the `source` it stands in (fig4_arith).

    None where there is no archive.

    hparams is JSON text; a loss that is not finite is None.
    """
    path = find(get_dataset(NAME, home=home).files["archive"], data_dir=data_dir, home=home)
    if path is not None:
        yield from _in_archive(path)


def _in_archive(path: Path) -> Iterator[dict[str, Any]]:
    n_read = 0
    with tarfile.open(path, "r:gz") as archive:
        for entry in archive:
            name = PurePosixPath(entry.name)
            if name.is_absolute() or ".." in name.parts:
                raise DataError(f"{path}: member {entry.name!r} points out of the archive")
            content = archive.extractfile(entry) if _is_pickle(entry, name) else None
            if content is not None:
                n_read += 1
                yield from _in_array(content, where=f"{path}: {entry.name}", source=name.stem)
    if not n_read:
        raise DataError(f"{path}: no member *.p in the archive")


def _is_pickle(entry: tarfile.TarInfo, name: PurePosixPath) -> bool:
    return entry.isfile() and name.suffix == ".p" and not name.name.startswith(".")


def _in_array(content: Any, *, where: str, source: str) -> Iterator[dict[str, Any]]:
    try:
        array = read_pickle(content)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    names = getattr(getattr(array, "dtype", None), "names", None) or ()
    if missing := sorted(set(COLUMNS) - set(names)):
        raise DataError(f"{where}: a table with the columns {list(names)}; it lacks {missing}")
    for trial in np.ravel(array):
        yield _row({name: _plain(trial[name]) for name in COLUMNS}) | {"source": source}


def _row(trial: dict[str, Any]) -> dict[str, Any]:
    return trial | {"hparams": json.dumps(trial["hparams"], sort_keys=True)}


def _plain(value: Any) -> Any:
    """Return a value without numpy's types and without numbers that are not finite."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    if isinstance(value, bytes):
        return value.decode("latin1")
    return None if isinstance(value, float) and not math.isfinite(value) else value
