"""Arrays as users give them, right and wrong, for property tests."""

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

SIZES = st.integers(0, 4)
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.int64, torch.bool, torch.complex64])
REFUSED = (TypeError, ValueError)


@st.composite
def arrays(draw: st.DrawFn, most: int = 4) -> Tensor:
    """Return any tensor: of any shape and type, perhaps with NaN, perhaps a view, or a graph."""
    shape = draw(st.lists(SIZES, min_size=0, max_size=most))
    rng = torch.Generator().manual_seed(draw(st.integers(0, 9)))
    x = torch.randn(shape, generator=rng).to(draw(DTYPES))
    if x.is_floating_point() and draw(st.booleans()):
        x = torch.where(torch.rand(shape, generator=rng) < 0.1, torch.nan, x)
    if x.dim() > 1 and draw(st.booleans()):
        x = x.transpose(0, -1)
    return x.requires_grad_() if x.is_floating_point() and draw(st.booleans()) else x


def answer(call: Any) -> Any:
    """Return what a call returns; None where it refuses in words."""
    try:
        return call()
    except REFUSED:
        return None
