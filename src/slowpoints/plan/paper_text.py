"""What the text of the paper reads; asked while planning, so standard library only."""

import re
from pathlib import Path

READS = re.compile(r'"/\{results\}/([^"]+)"')


def inputs(source: Path, *, folder: str) -> list[str]:
    """Return the results that the paper's text includes, its figures and its numbers, below the
    folder of a run.
    """
    named = dict.fromkeys(READS.findall(source.read_text(encoding="utf-8")))
    return [f"{folder}/{path}" for path in named]
