"""Pinned data: shipped with the project, in the user's folder, or downloaded.

Verified before use.
"""

from slowpoints.data.files import fetch
from slowpoints.data.formats import Images
from slowpoints.data.loading import ensure, load_images, load_text, prepare
from slowpoints.data.registry import DataError, get_dataset, read_registry
from slowpoints.data.shipped import build_shipped

__all__ = [
    "DataError",
    "Images",
    "build_shipped",
    "ensure",
    "fetch",
    "get_dataset",
    "load_images",
    "load_text",
    "prepare",
    "read_registry",
]
