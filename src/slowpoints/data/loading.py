"""Load a data set by name, and make sure of several before any training starts."""

from collections.abc import Iterable
from pathlib import Path

from slowpoints.data.files import digest_of, fetch
from slowpoints.data.formats import IMAGE_READERS, Bytes, Images, symbols, text_from_zip
from slowpoints.data.registry import HOME, DataError, get_dataset
from slowpoints.provenance.files import sealed_json, write_text


def load_images(name: str, *, data_dir: Path | None = None, home: Path = HOME) -> Images:
    """Return the images of data set `name`.

    X: uint8 [N, side, side] (colour [N, 3, side, side]), y: [N].
    """
    dataset = get_dataset(name, home=home)
    if dataset.format not in IMAGE_READERS:
        raise DataError(f"{name} is text, not images")
    images = IMAGE_READERS[dataset.format](fetch_all(name, data_dir=data_dir, home=home))
    found = {"train": images.train_x.shape[0], "test": images.test_x.shape[0]}
    labels = {"train": images.train_y.size, "test": images.test_y.size}
    if found != dataset.counts or labels != dataset.counts:
        raise DataError(f"{name} has images {found} and labels {labels}, wanted {dataset.counts}")
    return images


def load_text(name: str, *, data_dir: Path | None = None, home: Path = HOME) -> Bytes:
    """Return the text of data set `name` as symbols 0 (space) and 1 to 26 (a to z).

    -> uint8 [N]
    """
    return symbols(read_text(name, data_dir=data_dir, home=home))


def read_text(name: str, *, data_dir: Path | None = None, home: Path = HOME) -> bytes:
    """Return the text of data set `name` as it is written."""
    dataset = get_dataset(name, home=home)
    if dataset.format in IMAGE_READERS:
        raise DataError(f"{name} is images, not text")
    path = fetch_all(name, data_dir=data_dir, home=home)["text"]
    text = text_from_zip(path, dataset.member) if dataset.member else path.read_bytes()
    if len(text) != dataset.counts["characters"]:
        raise DataError(f"{name} has {len(text)} characters, wanted {dataset.counts['characters']}")
    return text


def fetch_all(name: str, *, data_dir: Path | None = None, home: Path = HOME) -> dict[str, Path]:
    """Return the verified files of data set `name` by role."""
    files = get_dataset(name, home=home).files
    return {role: fetch(file, data_dir=data_dir, home=home) for role, file in files.items()}


def ensure(names: Iterable[str], *, data_dir: Path | None = None, home: Path = HOME) -> None:
    """Get and verify every file of the named data sets; one error tells all that is wrong."""
    files = [file for name in names for file in get_dataset(name, home=home).files.values()]
    problems = []
    for file in dict.fromkeys(files):
        try:
            fetch(file, data_dir=data_dir, home=home)
        except DataError as error:
            problems.append(str(error))
    if problems:
        raise DataError("\n\n".join(problems))


def prepare(name: str, *, data_dir: Path | None = None, out: Path, home: Path = HOME) -> None:
    """Verify and read data set `name`, then write what it is made of to the JSON file `out`.

    The content depends on the data alone, not on where they were found or when.
    """
    dataset = get_dataset(name, home=home)
    paths = fetch_all(name, data_dir=data_dir, home=home)
    load = load_images if dataset.format in IMAGE_READERS else load_text
    load(name, data_dir=data_dir, home=home)
    manifest = {
        "name": name,
        "licence": dataset.licence,
        "counts": dataset.counts,
        "files": [
            {"name": file.name, "bytes": file.n_bytes, "sha256": digest_of(paths[role])}
            for role, file in dataset.files.items()
        ],
    }
    write_text(out, sealed_json(manifest))
