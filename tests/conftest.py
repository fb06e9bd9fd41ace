"""One thread, as in the pipeline; and a fresh sheet for tests that draw."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import pytest
import torch

from slowpoints import figures


@pytest.fixture(scope="session", autouse=True)
def _as_in_the_pipeline() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def _fresh_sheet() -> Iterator[None]:
    plt.switch_backend("agg")
    figures.start()
    yield
    plt.close("all")
