"""What goes into the archive of a run: the project, and its results without weights and arrays."""

from pathlib import Path

from slowpoints import paths

PROJECT = (
    "Snakefile",
    "workflow/**/*",
    "config/**/*",
    "src/**/*.py",
    "envs/*",
    "profiles/**/*",
    "notebooks/**/*.ipynb",
    "paper/*.typ",
    "paper/*.bib",
    "data/**/*",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CITATION.cff",
    "Makefile",
    "pyproject.toml",
)
RESULTS = (
    "*/plan/*.json",
    "*/runs/*.jsonl",
    "*/runs/*.provenance.json",
    "*/tables/*.csv",
    "figures/*.pdf",
    "figures/*.png",
    "notebooks/*.html",
    "data/*.json",
    "data/*.csv",
    "claims.csv",
    "numbers.json",
    "paper.pdf",
)
FORMATS = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".html": "text/html",
    ".yaml": "application/yaml",
    ".md": "text/markdown",
    ".py": "text/x-python",
    ".ipynb": "application/x-ipynb+json",
}


def files(root: Path, scale: str) -> list[str]:
    """Return the files of the archive, relative to `root`, in order."""
    found = {path for pattern in PROJECT for path in root.glob(pattern)}
    found |= {path for pattern in RESULTS for path in (root / paths.results(scale)).glob(pattern)}
    return sorted(
        path.relative_to(root).as_posix()
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    )


def properties(root: Path, file: str) -> dict[str, object]:
    """Return what is known of a file by itself: name, size and format."""
    path = root / file
    is_text = b"\0" not in path.read_bytes()[:1000]
    form = FORMATS.get(path.suffix, "text/plain" if is_text else "application/octet-stream")
    return {"name": path.name, "contentSize": str(path.stat().st_size), "encodingFormat": form}
