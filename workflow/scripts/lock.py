#!/usr/bin/env python3
"""Pin what each stage needs: envs/<stage>.in -> envs/<stage>.lock, the torch locks and the conda
YAMLs.

Needs `uv` and the network. All stages are resolved together once, so a package has one version
everywhere; only those of `APART`, which no result depends on, may have older ones, and the driver's
where they have the same package. Pins that still fit stay; `--upgrade` renews them all.
"""

import argparse
import os
import re
import subprocess
import tempfile
from pathlib import Path

ENVS = Path(__file__).resolve().parents[2] / "envs"
STAGES = sorted(path.stem for path in ENVS.glob("*.in") if path.stem != "torch-cpu")
APART = ("kubernetes", "s3server", "slurm")  # their packages refuse what the stages use
# what the CUDA build of torch is made of
TORCH_STACK = re.compile(r"torch|triton|(nvidia|cuda)-.*")
PYTHON = "3.11"
CONDA = """\
# Made by `make lock` from {stage}.lock, for those who run `snakemake --sdm conda`; not used otherwise.
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python={python}
  - pip
  - pip:
"""


def entries(lock: str) -> dict[str, str]:
    """Return {requirement: its lines in the lock}; the requirement is `name==version ; marker`."""
    blocks = re.findall(r"^[a-z0-9].*(?:\n[ ]+.*)*\n", lock, flags=re.MULTILINE)
    return {block.splitlines()[0].removesuffix("\\").strip(): block for block in blocks}


def name(requirement: str) -> str:
    return requirement.split("==")[0]


def asked(stage: str) -> set[str]:
    """Return the packages that a stage's .in file names itself, torch apart.

    That has locks of its own.
    """
    lines = (ENVS / f"{stage}.in").read_text().splitlines()
    return {re.split(r"[=<> ;#]", line)[0] for line in lines} - {"torch"}


def uv_compile(source: Path, *options: str) -> str:
    """Return the lock of one requirements file.

    Local wheels are left out: a lock must hold everywhere.
    """
    environment = {
        key: value for key, value in os.environ.items() if not key.endswith("_FIND_LINKS")
    }
    command = ["uv", "pip", "compile", "--quiet", "--universal", f"--python-version={PYTHON}"]
    command += ["--fork-strategy=fewest", "--generate-hashes", "--no-header", "--no-annotate"]
    command += [*options, str(source)]
    return subprocess.run(
        command, env=environment, check=True, text=True, stdout=subprocess.PIPE
    ).stdout


def resolve_together(folder: Path, *, upgrade: bool) -> Path:
    """Return a file of one pin per package for all stages, near to the present locks unless
    upgrading.
    """
    (folder / "all.in").write_text(
        "".join(f"-r {ENVS / stage}.in\n" for stage in STAGES if stage not in APART)
    )
    pins = folder / "all.lock"
    if not upgrade:
        present = entries(
            "".join(lock.read_text() for lock in ENVS.glob("*.lock") if lock.stem not in APART)
        )
        pins.write_text("".join(block for key, block in present.items() if "+cpu" not in key))
    uv_compile(folder / "all.in", "--output-file", str(pins))
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(entries(pins.read_text())) + "\n")
    return constraints


def pin_apart(stage: str, driver: str, folder: Path, *, upgrade: bool) -> str:
    """Return the pins of a stage resolved beside the others, with the driver's where it has the
    same package.
    """
    constraints, pins = folder / "driver.txt", folder / f"{stage}.lock"
    constraints.write_text("\n".join(entries(driver)) + "\n")
    if not upgrade and (ENVS / pins.name).exists():
        pins.write_text((ENVS / pins.name).read_text())
    uv_compile(ENVS / f"{stage}.in", "--constraints", str(constraints), "--output-file", str(pins))
    return f"# Made by `make lock` from {stage}.in\n" + "".join(entries(pins.read_text()).values())


def torch_cpu_lock(requirement: str, folder: Path) -> str:
    """Return the lock of torch's CPU builds.

    They are on PyTorch's index, which not every machine reaches.
    """
    lines = (
        f"{requirement}+cpu ; sys_platform == 'linux'",
        f"{requirement} ; sys_platform == 'darwin'",
    )
    source = folder / "torch-cpu.in"
    source.write_text("\n".join(lines) + "\n")
    try:
        return uv_compile(source, "--no-deps", "--index-url", cpu_index())
    except subprocess.CalledProcessError:
        present = entries((ENVS / "torch-cpu.lock").read_text())
        if set(present) != set(lines):
            raise SystemExit(
                f"nothing written: the CPU build of {requirement} needs {cpu_index()}"
            ) from None
        print(
            f"torch-cpu.lock stays: uv could not ask {cpu_index()}, and it pins "
            f"{requirement} already"
        )
        return "".join(present.values())


def cpu_index() -> str:
    """Return the address of PyTorch's index, which stands in torch-cpu.in alone."""
    (line,) = re.findall(
        r"^--index-url (.*)$", (ENVS / "torch-cpu.in").read_text(), flags=re.MULTILINE
    )
    return str(line)


def conda_yaml(stage: str) -> str:
    """Return the conda environment with the same pins as the stage's locks, and the CPU build of
    torch.
    """
    lock = (ENVS / f"{stage}.lock").read_text()
    pins = list(entries(lock))
    if "torch-cpu.lock" in lock.splitlines()[0]:
        pins += [
            f"--extra-index-url {cpu_index()}",
            *entries((ENVS / "torch-cpu.lock").read_text()),
        ]
    return CONDA.format(stage=stage, python=PYTHON) + "".join(f"      - {pin}\n" for pin in pins)


def pin_all(folder: Path, *, upgrade: bool) -> dict[str, str]:
    """Return {file name: text} of every lock.

    Whatever the CUDA build of torch consists of has its own.
    """
    constraints = resolve_together(folder, upgrade=upgrade)
    written: dict[str, str] = {}
    torch_stack: dict[str, str] = {}
    for stage in (stage for stage in STAGES if stage not in APART):
        pins = entries(uv_compile(ENVS / f"{stage}.in", "--constraints", str(constraints)))
        own = {key: block for key, block in pins.items()
               if not TORCH_STACK.fullmatch(name(key)) or name(key) in asked(stage)}  # fmt: skip
        torch_stack |= {key: block for key, block in pins.items() if key not in own}
        on_top = "; on top comes torch-cpu.lock or torch-cuda.lock" if len(own) < len(pins) else ""
        written[f"{stage}.lock"] = f"# Made by `make lock` from {stage}.in{on_top}\n" + "".join(
            own.values()
        )
    written |= {
        f"{stage}.lock": pin_apart(stage, written["driver.lock"], folder, upgrade=upgrade)
        for stage in APART
    }
    (torch,) = (key for key in torch_stack if name(key) == "torch")
    head = "# Made by `make lock` from the torch of train.in: the {} build\n"
    written["torch-cuda.lock"] = head.format("CUDA") + "".join(torch_stack.values())
    written["torch-cpu.lock"] = head.format("CPU") + torch_cpu_lock(torch, folder)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description="Pin what each stage needs.")
    parser.add_argument(
        "--upgrade", action="store_true", help="renew every pin that an .in file leaves free"
    )
    upgrade = parser.parse_args().upgrade
    with tempfile.TemporaryDirectory() as folder:
        written = pin_all(Path(folder), upgrade=upgrade)
    for file, text in written.items():
        (ENVS / file).write_text(text)
    for stage in STAGES:
        (ENVS / f"{stage}.yaml").write_text(conda_yaml(stage))


if __name__ == "__main__":
    main()
