"""What the text of the paper reads; asked while planning, so standard library only."""

import re
from pathlib import Path

READS = re.compile(r'"/(results/\{scale\}/[^"]+)"')


def inputs(source: Path, *, scale: str) -> list[str]:
    """Return the results that the paper's text includes: its figures and its numbers."""
    named = dict.fromkeys(READS.findall(source.read_text(encoding="utf-8")))
    return [path.replace("{scale}", scale) for path in named]
