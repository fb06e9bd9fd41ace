"""Random numbers on a CPU, compiled; see `draws`, where the same is written in torch."""

import ctypes
from functools import cache
from typing import Any

import torch
from torch import Tensor

from slowpoints.engine.cpu import build
from slowpoints.engine.cpu.kernel_draws import LOG, SIN, SOURCE
from slowpoints.engine.cpu.source import polynomial

KINDS = ("uniform", "uniform64", "normal")


def drawn_on_cpu(
    kind: str, keys: Tensor, steps: Tensor, draw: int, n: int, mean: float, std: float
) -> Tensor | None:
    """Return n numbers of each stream, or None where that is not compiled.

    keys, steps: [S] -> [S, n]
    """
    if keys.device.type != "cpu":
        return None
    call = _compiled()
    if call is None:
        return None
    to = torch.empty(len(keys), n, dtype=torch.float64 if kind == "uniform64" else torch.float32)
    call(
        KINDS.index(kind),
        len(keys),
        keys.data_ptr(),
        steps.data_ptr(),
        draw,
        n * to.element_size(),
        mean,
        std,
        to.data_ptr(),
    )
    return to


@cache
def _compiled() -> Any | None:
    text = SOURCE
    for name, numbers, x in (("@SIN@", SIN, "z"), ("@LOG@", LOG, "m")):
        text = text.replace(name, polynomial(numbers, x, first="{!r}f"))
    library = build.library(text)
    if library is None:
        return None
    pointer, long = ctypes.c_void_p, ctypes.c_long
    library.draw.restype = None
    library.draw.argtypes = [
        ctypes.c_int,
        long,
        pointer,
        pointer,
        ctypes.c_uint32,
        long,
        ctypes.c_float,
        ctypes.c_float,
        pointer,
    ]
    return library.draw
