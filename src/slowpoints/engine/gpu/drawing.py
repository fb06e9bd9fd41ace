"""Random numbers on a GPU; see `draws`, where the same is written in torch."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from slowpoints.engine.cpu import build
from slowpoints.engine.cpu.drawing import KINDS
from slowpoints.engine.gpu.launching import can_launch, executed, is_there

BLOCKS = 256  # of Philox per program; whole rows of lanes

SOURCE = """import triton
import triton.language as tl


@triton.jit
def words(key, step, number, block):
    a, zero = block.to(tl.uint32), block.to(tl.uint32) * 0
    b = zero + number.to(tl.uint32)
    c, d = zero + step.to(tl.uint32), zero + (step >> 32).to(tl.uint32)
    first, second = zero + key.to(tl.uint32), zero + (key >> 32).to(tl.uint32)
    for _ in tl.static_range(10):
        p, q = tl.umulhi(a, 0xD2511F53), tl.umulhi(c, 0xCD9E8D57)
        low_p, low_q = a * 0xD2511F53, c * 0xCD9E8D57
        a, c = q ^ b ^ first, p ^ d ^ second
        b, d = low_q, low_p
        first, second = first + 0x9E3779B9, second + 0xBB67AE85
    return a, b, c, d


@triton.jit
def share(word):
    return (word >> 8).to(tl.float32)


@triton.jit
def radius(word, std):
    return std * tl.sqrt_rn(-2.0 * tl.log((share(word) + 0.5) * 5.9604644775390625e-08))


@triton.jit
def turn(word):
    return word.to(tl.int32, bitcast=True).to(tl.float32) * 1.4629180792671596e-09


@triton.jit
def double(u, v):
    high, low = (u >> 5).to(tl.float64), (v >> 6).to(tl.float64)
    return (high * 67108864.0 + low) * 1.1102230246251565e-16


@triton.jit
def draw(to, keys, steps, number, n, mean, std, KIND: tl.constexpr, BLOCKS: tl.constexpr):
    stream = tl.program_id(0)
    block = tl.program_id(1) * BLOCKS + tl.arange(0, BLOCKS)
    a, b, c, d = words(tl.load(keys + stream), tl.load(steps + stream), number, block)
    to += stream.to(tl.int64) * n
    if KIND == 1:
        at = block // 16 * 32 + block % 16
        tl.store(to + at, double(a, b), mask=at < n)
        tl.store(to + at + 16, double(c, d), mask=at + 16 < n)
    else:
        at = block // 16 * 64 + block % 16
        if KIND == 0:
            scale = 5.9604644775390625e-08
            w, x, y, z = share(a) * scale, share(b) * scale, share(c) * scale, share(d) * scale
        else:
            w, x = mean + radius(a, std) * tl.cos(turn(b)), mean + radius(a, std) * tl.sin(turn(b))
            y, z = mean + radius(c, std) * tl.cos(turn(d)), mean + radius(c, std) * tl.sin(turn(d))
        tl.store(to + at, w, mask=at < n)
        tl.store(to + at + 16, x, mask=at + 16 < n)
        tl.store(to + at + 32, y, mask=at + 32 < n)
        tl.store(to + at + 48, z, mask=at + 48 < n)
"""


def drawn_on_gpu(
    kind: str, keys: Tensor, steps: Tensor, draw: int, n: int, mean: float, std: float
) -> Tensor | None:
    """Return n numbers of each stream, or None where Triton does not run.

    keys, steps: [S] -> [S, n]
    """
    if keys.device.type != "cuda" or build.wants_eager() or not is_there() or not can_launch():
        return None
    return launched(kind, keys, steps, draw, n, mean, std)


def launched(
    kind: str, keys: Tensor, steps: Tensor, draw: int, n: int, mean: float, std: float
) -> Tensor:
    """Return the same from Triton.    keys, steps: [S] -> [S, n]"""
    dtype = torch.float64 if kind == "uniform64" else torch.float32
    to = torch.empty(len(keys), n, dtype=dtype, device=keys.device)
    n_blocks = -(-n // (2 if kind == "uniform64" else 4))
    grid = (len(keys), max(1, -(-n_blocks // BLOCKS)))
    kernel()[grid](to, keys, steps, draw, n, mean, std, KIND=KINDS.index(kind), BLOCKS=BLOCKS)
    return to


@cache
def kernel() -> Any:
    """Return the kernel."""
    return executed(SOURCE, "<triton kernel of random numbers>")["draw"]
