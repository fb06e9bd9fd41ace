"""The pins in envs/: hashed, free of addresses, one version everywhere, and the source of the conda
YAMLs.
"""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ENVS = ROOT / "envs"


def lock_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / "workflow/scripts/lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LOCK = lock_script()
LOCKS = sorted(path.name for path in ENVS.glob("*.lock"))


def pins(lock: str) -> dict[str, str]:
    return LOCK.entries((ENVS / lock).read_text())


def names(lock: str) -> set[str]:
    return {LOCK.name(requirement) for requirement in pins(lock)}


def needs_torch(stage: str) -> bool:
    return "torch-" in (ENVS / f"{stage}.lock").read_text().splitlines()[0]


def asked_for(stage: str) -> set[str]:
    """The requirements of an .in file and of the files that it includes."""
    lines = [
        re.split(r"[;#]", line)[0].strip()
        for line in (ENVS / f"{stage}.in").read_text().splitlines()
    ]
    included = [asked_for(Path(line[3:]).stem) for line in lines if line.startswith("-r ")]
    return {line for line in lines if line and not line.startswith("-")}.union(*included)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_is_exact_and_hashed(lock):
    assert pins(lock)
    for requirement, block in pins(lock).items():
        assert re.match(r"[a-z0-9-]+==[0-9][^ ]*( ; .+)?$", requirement)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}$", block, flags=re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_everywhere_for_it_names_no_address_and_no_folder(lock):
    text = (ENVS / lock).read_text()
    assert "/" not in text
    assert set(re.findall(r"--[a-z-]+", text)) == {"--hash"}


def test_a_package_has_one_version_in_all_stages_that_results_depend_on():
    versions: dict[str, set[str]] = {}
    together = [lock for lock in LOCKS if Path(lock).stem not in LOCK.APART]
    for requirement in (requirement for lock in together for requirement in pins(lock)):
        versions.setdefault(LOCK.name(requirement), set()).add(
            requirement.split(" ")[0].removesuffix("+cpu")
        )
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("stage", LOCK.STAGES)
def test_a_lock_answers_its_in_file(stage):
    locked = set(pins(f"{stage}.lock")) | (
        set(pins("torch-cuda.lock")) if needs_torch(stage) else set()
    )
    exact = {requirement.split(" ")[0] for requirement in locked}
    assert asked_for(stage)
    for wanted in asked_for(stage):
        assert wanted in (exact if "==" in wanted else {LOCK.name(pin) for pin in exact}), (
            "run `make lock`"
        )


@pytest.mark.parametrize("stage", ["kubernetes", "slurm"])
def test_a_cluster_is_driven_by_the_same_snakemake_as_one_machine(stage):
    assert set(pins("driver.lock")) <= set(pins(f"{stage}.lock"))


@pytest.mark.parametrize(
    "stage", sorted(set(LOCK.STAGES) - {"driver", "test", "browser", *LOCK.APART})
)
def test_the_tests_run_on_the_pins_of_the_stage_they_test(stage):
    assert set(pins(f"{stage}.lock")) <= set(pins("test.lock"))


@pytest.mark.parametrize("lock", sorted(set(LOCKS) - {"torch-cuda.lock"}))
def test_only_the_cuda_lock_names_cuda(lock):
    of_cuda = {name for name in names(lock) if re.match("nvidia|cuda|triton", name)}
    assert of_cuda == ({"triton"} if lock == "test.lock" else set()), (
        "the tests use Triton's interpreter"
    )


def test_the_cuda_lock_brings_its_own_libraries_and_nothing_of_the_stages():
    assert {"torch", "triton", "nvidia-cudnn-cu13"} <= names("torch-cuda.lock")
    assert names("torch-cuda.lock") & names("test.lock") == {"triton"}


def test_torch_is_pinned_for_linux_and_for_macs():
    assert set(pins("torch-cpu.lock")) == {
        f"{requirement} ; sys_platform == '{platform}'"
        for cuda in pins("torch-cuda.lock")
        if LOCK.name(cuda) == "torch"
        for requirement, platform in ((f"{cuda}+cpu", "linux"), (cuda, "darwin"))
    }


@pytest.mark.parametrize("stage", LOCK.STAGES)
def test_the_conda_environment_is_generated_from_the_locks(stage):
    text = (ENVS / f"{stage}.yaml").read_text()
    assert text == LOCK.conda_yaml(stage), "run `make lock`"
    (listed,) = (
        item["pip"] for item in yaml.safe_load(text)["dependencies"] if isinstance(item, dict)
    )
    torch = set(pins("torch-cpu.lock")) if needs_torch(stage) else set()
    assert {pin for pin in listed if not pin.startswith("--")} == set(pins(f"{stage}.lock")) | torch
