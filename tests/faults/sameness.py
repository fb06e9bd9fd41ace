"""Which results two runs of the same workflow must share to the byte."""

from pathlib import Path

# What a run says of its own circumstances: when, how long, with how many slots.
CIRCUMSTANCES = ".provenance.json"


def results(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder` by its name, hidden ones too, but for what tells of
    times.
    """
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(CIRCUMSTANCES)
    }


def by_kind(names: list[str]) -> dict[str, int]:
    """Return how many files of each kind there are.

    The pages of the site and what they need are one kind.
    """
    found: dict[str, int] = {}
    for name in names:
        folder = Path(name).parent.name
        kind = (
            "site/**"
            if "/site/" in name
            else f"{'' if '/' not in name else folder + '/'}*{Path(name).suffix}"
        )
        found[kind] = found.get(kind, 0) + 1
    return found
