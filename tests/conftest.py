"""One thread, as in the pipeline."""

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def _as_in_the_pipeline() -> None:
    torch.set_num_threads(1)
