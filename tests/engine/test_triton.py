"""The generated Triton kernels against the reference, on a CPU through Triton's interpreter."""

from collections.abc import Iterator

import pytest
import torch

from helpers.agreement import LAST, assert_close, built, case, values_and_gradients
from slowpoints import cells
from slowpoints.engine import recurrence
from slowpoints.engine.gpu import launching, triton_scan
from slowpoints.engine.gpu.triton_scan import kernels, runs_on_triton

triton = pytest.importorskip("triton", reason="triton is not installed here")


@pytest.fixture(autouse=True)
def interpreted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    kernels.cache_clear()
    yield
    kernels.cache_clear()  # what is interpreted must not be taken for the GPU's


def test_where_the_kernels_run(monkeypatch: pytest.MonkeyPatch) -> None:
    meta = torch.empty(0, device="meta")
    monkeypatch.setattr(torch.Tensor, "device", property(lambda _: torch.device("cuda")))
    monkeypatch.setattr(triton_scan, "can_launch", lambda: True)
    assert runs_on_triton(built("gru"), meta)
    assert not runs_on_triton(built("gru"), meta.double())
    monkeypatch.setenv("SLOWPOINTS_ENGINE", "eager")
    assert not runs_on_triton(built("gru"), meta)


def test_where_triton_cannot_launch_recurrences_run_without_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from triton.runtime import driver

    class NoHeaders:
        def get_current_target(self) -> None:
            raise RuntimeError("Python.h: No such file or directory\ncompilation terminated")

    monkeypatch.setattr(driver, "_active", NoHeaders(), raising=False)
    launching.can_launch.cache_clear()
    with caplog.at_level("INFO", logger="slowpoints"):
        assert not launching.can_launch()
        assert not launching.can_launch()
    launching.can_launch.cache_clear()
    assert caplog.text.count("Python.h: No such file or directory") == 1


@pytest.mark.parametrize(("units", "batch", "steps", "depth"), [(1, 1, 3, 1), (17, 3, 3, 2)])
@pytest.mark.parametrize("name", cells.names())
def test_values_and_gradients_agree_with_the_reference_in_float64(
    name: str, units: int, batch: int, steps: int, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, params, x, wanted = case(name, units=units, batch=batch, steps=steps, depth=depth)
    monkeypatch.setattr(recurrence, "runs_on_triton", lambda *_: True)
    monkeypatch.setattr(recurrence, "runs_compiled", lambda *_: False)
    assert_close(values_and_gradients(net, params, x, last=LAST), wanted)
