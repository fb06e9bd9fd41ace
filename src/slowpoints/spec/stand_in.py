"""Import our own files where packages that they need are missing.

Planning runs where torch is not installed. It imports the files of cells, tasks and analyses all
the same, and asks them only for what needs no torch: their settings, their sizes, the streams of a
cell. While such a file is imported, an inert object stands for every name of a missing package.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# The packages of the stages' environments which the driver's environment lacks.
REPLACED = ("torch", "numpy", "scipy", "pandas", "optuna")


class Inert:
    """Stand for a name of a missing package, in whatever the top level of a file does with it."""

    def __getattr__(self, name: str) -> "Inert":
        """Return another such object, as `torch.nn` has `functional`."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> "Inert":
        """Return another such object, as a decorator that takes arguments does."""
        return self

    def __getitem__(self, key: Any) -> "Inert":
        """Return another such object, as `NDArray[float64]` is a type."""
        return self

    def _with(self, *others: Any) -> "Inert":
        """Return another such object, as `Tensor | None` is a type and `-np.inf` a number."""
        return self

    __or__ = __ror__ = __neg__ = _with
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = (
        __pow__
    ) = _with

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        """Leave the base out of a class that inherits from a class of a missing package."""
        return ()


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Inert:
        if name.startswith("__"):
            raise AttributeError(name)
        return Inert()


class _Finder(MetaPathFinder, Loader):
    """Find what nothing else has found."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] not in REPLACED:
            return None
        self.made.append(name)
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module empty."""


@contextmanager
def missing_packages() -> Iterator[None]:
    """Let imports of missing packages succeed, within the block alone."""
    finder = _Finder()
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in finder.made:  # code that runs later must see that the package is missing
            sys.modules.pop(name, None)


def import_module(name: str) -> ModuleType:
    """Import one of our modules; where a package it needs is missing, with a stand-in for it."""
    with missing_packages():
        return importlib.import_module(name)
