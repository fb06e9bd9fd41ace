"""The page on faults: written from what the cases measured."""

from typing import Any


def page(found: dict[str, Any]) -> str:
    """Return the page in Markdown."""
    return "\n".join(str(found))
