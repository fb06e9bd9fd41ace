"""Pinned data: shipped with the project, in the user's folder, or downloaded; verified before use."""

from slowpoints.datasets.files import fetch
from slowpoints.datasets.formats import Images
from slowpoints.datasets.loading import ensure, load_images, load_text, prepare
from slowpoints.datasets.registry import DataError, get_dataset, read_registry
from slowpoints.datasets.shipped import build_shipped

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
