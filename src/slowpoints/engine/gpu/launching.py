"""Triton: whether it can be used here, and kernels from their source."""

import importlib.util
import linecache
import logging
from functools import cache
from typing import Any

log = logging.getLogger("slowpoints")


def is_there() -> bool:
    """Return whether Triton is installed."""
    return importlib.util.find_spec("triton") is not None


@cache
def can_launch() -> bool:
    """Return whether Triton can build what launches its kernels; say so once where it cannot.

    That takes a C compiler, Python's headers and the driver's library: Triton builds it when it is
    first asked for the device.
    """
    from triton.runtime import driver  # type: ignore[import-untyped]

    try:
        driver.active.get_current_target()
    except Exception as error:  # whatever a compiler or a missing file makes of it
        why = next(iter(str(error).strip().splitlines()), type(error).__name__)
        log.info("Triton cannot be used here (%s): the GPU does without its kernels", why)
        return False
    return True


def executed(text: str, name: str) -> dict[str, Any]:
    """Return what a source defines; Triton reads the text of its kernels again."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    space: dict[str, Any] = {"__name__": name}
    exec(compile(text, name, "exec"), space)
    return space
