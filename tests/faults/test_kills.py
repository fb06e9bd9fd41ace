"""`kill -9` at random moments over a whole run at smoke scale: the same bytes in the end."""

from pathlib import Path
from typing import Any

import pytest

from faults.conftest import copy
from faults.kills import disturbed, jobs_done
from faults.processes import alive
from faults.sameness import by_kind, results

pytestmark = pytest.mark.faults
N_KILLS = 72


def test_killed_at_random_moments_a_run_ends_with_the_same_bytes(
    undisturbed: Path, tmp_path: Path, found: dict[str, Any]
) -> None:
    wanted = results(undisturbed / "results")
    folder, n_jobs = copy(tmp_path / "copy"), jobs_done(undisturbed)
    done = disturbed(folder, seed=6, n_kills=N_KILLS, n_jobs=n_jobs, log=tmp_path / "log")
    here = results(folder / "results")
    found["kills"] = {
        "of": "one whole run at smoke scale",
        "by kind": dict(sorted(done.kills.items())),
        "calls": done.calls,
        "orphans": done.orphans,
        "wall_s": round(done.wall_s),
        "jobs": n_jobs,
        "files compared": by_kind(sorted(wanted)),
        "files missing": sorted(set(wanted) - set(here)),
        "files too many": sorted(set(here) - set(wanted)),
        "files that differ": sorted(
            name for name in set(wanted) & set(here) if wanted[name] != here[name]
        ),
    }
    assert not alive(folder)
    assert done.kills.total() == N_KILLS
    assert found["kills"]["files missing"] == []
    assert found["kills"]["files that differ"] == []
    assert found["kills"]["files too many"] == []
