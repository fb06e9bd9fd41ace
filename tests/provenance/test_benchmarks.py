"""What jobs took: one reader of Snakemake's benchmarks, for the kept costs, the doctor, progress
and the appendix.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from helpers import made_run
from helpers.plans import ROOT
from slowpoints.machine import costs
from slowpoints.machine.doctor import reach, speed
from slowpoints.machine.doctor.words import MINUTE_S
from slowpoints.machine.progress import log, report
from slowpoints.machine.progress.remaining import Prices
from slowpoints.provenance import benchmarks
from slowpoints.provenance.benchmarks import Measured
from slowpoints.publish import timings

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
# of CPU time Snakemake saw the first 15 seconds
SAMPLED = "28.40\t0:00:28\t400.50\t1\t1\t1\t0\t0\t50.70\t14.40\n"
UNSEEN = "0.31\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n"


def keep(root: Path, scale: str, job: str, row: str) -> None:
    path = root / "benchmarks" / scale / f"{job}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + row)


def test_a_job_took_its_wall_time_however_little_of_its_cpu_time_was_sampled(
    tmp_path: Path,
) -> None:
    keep(tmp_path, "smoke", "figures/a", SAMPLED)
    assert benchmarks.read(tmp_path, "smoke", ["figures/a"]) == {"figures/a": Measured(28.4, 400.5)}


@pytest.mark.parametrize("nothing", ["NA", "-"])
def test_a_job_that_was_not_sampled_took_its_wall_time_and_no_known_memory(
    tmp_path: Path, nothing: str
) -> None:
    keep(tmp_path, "smoke", "figures/a", UNSEEN.replace("NA", nothing))
    assert benchmarks.read(tmp_path, "smoke", ["figures/a"]) == {"figures/a": Measured(0.31, 0.0)}


def test_a_job_without_a_benchmark_or_with_an_empty_one_is_not_measured(tmp_path: Path) -> None:
    keep(tmp_path, "smoke", "figures/a", "")
    assert benchmarks.read(tmp_path, "smoke", ["figures/a", "figures/b"]) == {}


def test_every_job_of_the_workflow_has_one_thread() -> None:
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    assert set(re.findall(r"^    threads: (.*)", rules, re.MULTILINE)) == {"1"}, (
        "else wall time is not what a job costs"
    )


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project in which every job of the smoke and the laptop scale took 28.4 s."""
    monkeypatch.setattr(speed, "measure", lambda n, seconds: speed.Speed(10.0, 1.0))
    for scale in ("smoke", "laptop"):
        for job in costs.job_names(scale):
            keep(tmp_path, scale, job, SAMPLED)
    return tmp_path


def test_what_a_run_costs_is_the_sum_of_the_wall_times_of_its_jobs(whole: Path) -> None:
    found = costs.keep(whole)
    for scale in ("smoke", "laptop"):
        n = len(costs.job_names(scale))
        own = found["scales"][scale]
        assert (own["measured"], own["jobs"], own["seconds"]) == (True, n, round(28.4 * n))
    assert found["experiments"]["figures"]["figures"]["seconds"] == pytest.approx(
        28.4 * len(costs.dag.figure_names())
    )


def test_the_doctor_and_progress_have_the_same_number(whole: Path) -> None:
    found = costs.keep(whole)
    machine = reach.Machine(2, 64e9, speed.Speed(10.0, 1.0), has_gpu=False)
    n = len(costs.job_names("smoke"))
    assert reach.seconds(found["scales"]["smoke"], machine, reference=10.0) == round(28.4 * n) / 2
    prices = Prices("smoke", found["jobs"])
    assert sum(map(prices.of, costs.job_names("smoke"))) == pytest.approx(28.4 * n)


def test_progress_takes_its_pace_from_the_wall_times_of_finished_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "kept", lambda: {"smoke": {"figures/a": 14.2}, "laptop": {}})
    keep(tmp_path, "smoke", "figures/a", SAMPLED)
    view = report.View(
        tmp_path, "smoke", log.Run(Path("any")), "ended", ["figures/a"], {"figures/a"}, {}, 0.0
    )
    assert report._pace(view).ratio == pytest.approx(2.0)


def test_the_appendix_adds_up_wall_times(tmp_path: Path) -> None:
    made_run.run(tmp_path)
    for stack in made_run.ENDS:
        keep(tmp_path, "smoke", f"{made_run.EXPERIMENT}/train/{stack}", SAMPLED)
    (train,) = [row for row in timings.stages(tmp_path, "smoke") if row["stage"] == "train"]
    assert train["hours"] == round(28.4 * len(made_run.ENDS) / 3600, 4)


def stated(path: str) -> list[int]:
    """Return the minutes of the laptop scale on two cores that a text states."""
    text = (ROOT / path).read_text()
    return [int(found) for found in re.findall(r"`?laptop`?.*?[Aa]bout (\d+) minutes", text)]


def test_the_readme_states_what_the_kept_costs_give() -> None:
    found: dict[str, Any] = reach.kept(ROOT)["scales"]["laptop"]
    minutes = found["seconds"] / 2 / MINUTE_S
    numbers = stated("README.md")
    assert len(numbers) >= 2
    assert numbers == [pytest.approx(minutes, rel=0.1)] * len(numbers)
