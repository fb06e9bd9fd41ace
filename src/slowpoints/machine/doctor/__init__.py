"""What this machine can do, before anything is set up: each finding with what to do about it.

Standard library only.
"""

from slowpoints.machine.doctor.report import examine, text
from slowpoints.machine.doctor.words import Finding

__all__ = ["Finding", "examine", "text"]
