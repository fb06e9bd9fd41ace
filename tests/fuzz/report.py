"""Many mutants, counted: which kinds were tried, refused and accepted, and every hole.

The page about them.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from slowpoints.paths import ROOT
from slowpoints.spec.reading import read_yaml
from tests.fuzz import others, plans
from tests.fuzz.builds import hole
from tests.fuzz.mutants import Mutant, Tree, file_mutants, tree_mutants, word_mutants

FOLDER = ROOT / "config" / "experiments"
CHUNK = 250  # mutants that hypothesis draws in one go
BUILT = 4  # every so many accepted mutants are built
Judge = Callable[[Mutant], plans.Answer]


def experiments() -> tuple[dict[str, Tree], dict[str, bytes]]:
    """Return what the experiment files say, and their text."""
    files = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
    return {name: read_yaml(path) for name, path in files.items()}, {
        n: p.read_bytes() for n, p in files.items()
    }


def sources(folder: Path) -> dict[str, tuple[SearchStrategy[Mutant], Judge, int]]:
    """Return {what is changed: (its mutants, what becomes of one, its share in percent)}."""
    trees, texts = experiments()

    def planned(mutant: Mutant) -> plans.Answer:
        return plans.judge(mutant, trees[mutant.file], folder=folder)

    return {
        "what an experiment says": (tree_mutants(trees), planned, 60),
        "a word of an experiment": (word_mutants(trees), planned, 15),
        "an experiment's file": (file_mutants(trees, texts), planned, 10),
        **others.sources(folder),
    }


def tried(
    strategy: SearchStrategy[Mutant], judge: Judge, n: int, *, number: int
) -> Iterator[tuple[Mutant, plans.Answer]]:
    """Yield mutants and what became of them, the same ones for the same number."""
    found: list[tuple[Mutant, plans.Answer]] = []

    @seed(number)
    @settings(
        max_examples=n,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(mutant: Mutant) -> None:
        found.append((mutant, judge(mutant)))

    draw()
    yield from found


def run(n: int, *, number: int) -> dict[str, Any]:
    """Return the counts of n mutants and the holes among them."""
    counts: dict[str, Counter[str]] = {}
    holes: list[dict[str, str]] = []
    n_accepted = 0
    with TemporaryDirectory() as place:
        for what, (strategy, judge, share) in sources(Path(place)).items():
            left, own = n * share // 100, counts.setdefault(what, Counter())
            while left > 0:
                for mutant, answer in tried(
                    strategy, judge, min(CHUNK, left), number=number + left
                ):
                    built = ""
                    if not answer.message:
                        n_accepted += 1
                        if answer.found and n_accepted % BUILT == 0:
                            built = hole(answer.found[next(iter(answer.found))].runs[0])
                            own["built"] += 1
                    own["refused" if answer.message else "accepted"] += 1
                    if wrong := answer.hole or built:
                        holes.append(
                            {
                                "file": mutant.file,
                                "kind": mutant.kind,
                                "at": ".".join(map(str, mutant.path)),
                                "new": repr(mutant.new)[:80],
                                "hole": wrong[:300],
                            }
                        )
                left -= CHUNK
    return {
        "seed": number,
        "counts": {what: dict(own) for what, own in counts.items()},
        "holes": holes,
    }


def page(found: dict[str, Any]) -> str:
    """Return what was found as a page."""
    totals: Counter[str] = Counter()
    for own in found["counts"].values():
        totals.update(own)
    n = totals["refused"] + totals["accepted"]
    lines = [
        "# Bad input on purpose",
        "Written by `make fuzz`. Each mutant is one settings file of the project with one "
        "change: a value or a "
        "key that is missing, misspelt, extra, mistyped, out of range, misplaced, a list or "
        "another file's; a "
        "word that YAML reads as something else (`1e-3`, `no`, `012`, `12:30:00`, a date); or "
        "a file that is cut, "
        "flipped, nested 5,000 deep, full of aliases, or in another encoding. A mutant must be "
        "refused in one "
        "message that names its file, or be planned; then the plan may differ from the "
        "original's only where the "
        f"mutation says, and must differ there. Of those planned, every {BUILT}th is built: "
        "network, task and "
        "optimiser, and one step of training if it is small. Whatever else happens is a hole.",
        f"**{n:,} mutants (seed {found['seed']}): {totals['refused']:,} refused, "
        f"{totals['accepted']:,} accepted, of "
        f"these {totals['built']:,} built. Holes: {len(found['holes'])}.**",
        "| changed | tried | refused | accepted | built |\n|---|---|---|---|---|\n"
        + "\n".join(
            f"| {what} | {own.get('refused', 0) + own.get('accepted', 0)} | "
            f"{own.get('refused', 0)} "
            f"| {own.get('accepted', 0)} | {own.get('built', 0)} |"
            for what, own in found["counts"].items()
        ),
    ]
    lines += [
        f"- {own['file']}, {own['kind']}, {own['at']} = {own['new']}: {own['hole']}"
        for own in found["holes"]
    ]
    return "\n\n".join(lines) + "\n"
