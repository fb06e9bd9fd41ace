"""The generated Triton kernels, compiled by its ptxas for a GPU that need not be here."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from helpers.agreement import built
from slowpoints import cells
from slowpoints.engine.gpu import drawing
from slowpoints.engine.gpu.triton_scan import BLOCK, generated, kernels

triton = pytest.importorskip("triton", reason="triton is not installed here")
CAPABILITY = 90  # of an H100 or H200


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    kernels.cache_clear()
    yield
    kernels.cache_clear()


def compiled(kernel: Any, flags: dict[str, bool]) -> Any:
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from triton.compiler import compile as compile_

    fixed = {"BLOCK": BLOCK, **flags}
    types = {
        name: "constexpr"
        if name in fixed
        else "i32"
        if name in ("size", "B", "H")
        else "i64"
        if name.endswith(("_m", "_b"))
        else "*fp32"
        for name in kernel.arg_names
    }
    source = ASTSource(kernel, types, constexprs=fixed)
    return compile_(source, target=GPUTarget("cuda", CAPABILITY, 32))


@pytest.mark.parametrize("name", cells.names())
def test_every_kernel_compiles_for_a_gpu(name: str) -> None:
    for kernel in generated(built(name)).values():
        names = [p.name for p in kernel.params if p.is_constexpr and p.name != "BLOCK"]
        for values in product([False, True], repeat=len(names)):
            made = compiled(kernel, dict(zip(names, values, strict=True)))
            assert made.asm["cubin"]
            assert ".target sm_90" in made.asm["ptx"]


@pytest.mark.parametrize("kind", range(3))
def test_random_numbers_compile_for_a_gpu(kind: int) -> None:
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from triton.compiler import compile as compile_

    drawing.kernel.cache_clear()
    fixed = {"KIND": kind, "BLOCKS": drawing.BLOCKS}
    types = {"to": "*fp64" if kind == 1 else "*fp32", "keys": "*i64", "steps": "*i64"}
    types |= {"number": "i32", "n": "i32", "mean": "fp32", "std": "fp32"}
    types |= dict.fromkeys(fixed, "constexpr")
    source = ASTSource(drawing.kernel(), types, constexprs=fixed)
    made = compile_(source, target=GPUTarget("cuda", CAPABILITY, 32))
    drawing.kernel.cache_clear()
    assert made.asm["cubin"]
