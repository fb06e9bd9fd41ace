"""Many small networks of one cell as one module of torch, trained together."""

from slowpoints.ensemble.fit import History
from slowpoints.ensemble.module import Ensemble

__all__ = ["Ensemble", "History"]
