"""How far a run is, from files alone: beside it, on another machine, or after it was killed.

No torch, no locks.
"""

from slowpoints.machine.progress.report import follow, latest_scale, show

__all__ = ["follow", "latest_scale", "show"]
