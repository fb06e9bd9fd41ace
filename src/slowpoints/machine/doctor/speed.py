"""How fast this machine computes beside the one whose costs are kept.

A few seconds of work in every core at once.
"""

import subprocess
import sys
import time
from typing import NamedTuple

SECONDS = 2.0
# Powers of large whole numbers: C code that is the same in every Python, so that Python's own speed
# does not count.
WORK = """
import sys, time
end, begun, rounds = time.perf_counter() + float(sys.argv[1]), time.process_time(), 0
while time.perf_counter() < end:
    pow(3, (1 << 2203) - 1, (1 << 2281) - 1)
    rounds += 1
print(rounds, time.process_time() - begun)
"""


class Speed(NamedTuple):
    """Of one core: rounds of work in a second of its time.

    And the share of that time that this process got.
    """

    rounds_per_s: float
    share: float


def measure(n: int, *, seconds: float = SECONDS) -> Speed:
    """Return the mean speed of `n` cores, all at work."""
    command = [sys.executable, "-S", "-c", WORK, str(seconds)]
    begun = time.perf_counter()
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(n)]
    found = [process.communicate()[0].split() for process in started]
    rounds, cpu_s = sum(int(own[0]) for own in found), sum(float(own[1]) for own in found)
    wall_s = max(seconds, time.perf_counter() - begun - 0.1)  # Python's own start is no work
    return Speed(rounds / cpu_s, min(1.0, cpu_s / (n * wall_s)))
