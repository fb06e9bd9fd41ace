"""Read pickled numpy arrays of numbers, text and dicts.

Whatever else a pickle asks for is refused by name.

A pickle is a program that may import and call anything. Here five names exist, all harmless:
numpy's array, data type and scalar, how it rebuilds the first, and how Python 3 writes bytes for
Python 2.
"""

import pickle
from typing import Any, BinaryIO

import numpy as np

from slowpoints.data.registry import DataError


def _as_bytes(text: str, encoding: str) -> bytes:
    """Return bytes that Python 3 pickled as text for Python 2: always in Latin-1."""
    if encoding != "latin1":
        raise DataError(f"the pickle asks for bytes in {encoding!r}; only latin1 is known")
    return text.encode("latin1")


# By the names under which any numpy, old or new, pickles them.
_REBUILD, _SCALAR = np.ndarray(0).__reduce__()[0], np.float64(0).__reduce__()[0]
KNOWN: dict[tuple[str, str], Any] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _REBUILD for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _SCALAR for core in ("core", "_core")},
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _as_bytes,
}

WRONG = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,
    MemoryError,
    RecursionError,
)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return one of the known names; refuse any other."""
        if (module, name) not in KNOWN:
            raise DataError(
                f"the pickle asks for {module}.{name}, which no array needs; it was not given "
                "and not run"
            )
        return KNOWN[module, name]


def read_pickle(file: BinaryIO) -> Any:
    """Return what is pickled in `file`; text of Python 2 is read as Latin-1, as its arrays need."""
    try:
        return _Reader(file, encoding="latin1").load()
    except WRONG as error:
        raise DataError(f"not a pickled array: {type(error).__name__}: {error}") from None
