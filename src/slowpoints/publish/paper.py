"""The paper, compiled to the same bytes every time. Needs only Typst."""

from pathlib import Path

from slowpoints.plan.paper_text import inputs
from slowpoints.provenance import files


def compile_paper(source: Path, *, scale: str, results: str, root: Path, out: Path) -> None:
    """Write the paper at one scale as PDF, whole or not at all.

    A number that the text lacks is an error.

    results: the folder of its figures and numbers, seen from `root`
    """
    import typst

    for result in inputs(source, folder=results):
        _verify(root / result)
    pdf = typst.compile(
        str(source),
        root=str(root),
        sys_inputs={"scale": scale, "results": results},
        ignore_system_fonts=True,
        timestamp=0,
    )
    with files.atomic(out) as temporary:
        temporary.write_bytes(pdf)


def _verify(result: Path) -> None:
    """Raise if a result is not what its job wrote."""
    if result.suffix == ".json":
        files.read_json(result)
    else:
        files.check(result, beside=result.with_suffix(".sha256"))
