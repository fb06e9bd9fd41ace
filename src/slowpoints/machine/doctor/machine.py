"""The machine: Python, cores, memory, compiler, GPU, clock, and the package index."""

import os
import platform
import shlex
import shutil
import sys
import tempfile
import time
from pathlib import Path

from slowpoints.machine.doctor.words import GB, Finding, output, size

JOB_BYTES = (
    1e9  # what the largest jobs of the laptop scale take, rounded up: docs/benchmarks/costs.md
)
CLOCK_S = (
    2.0  # by how much the clock of the file system may be off before Snakemake mistakes what is new
)
RELEASE = time.mktime((2026, 1, 1, 0, 0, 0, 0, 0, 0))  # a clock before this is wrong


def python() -> Finding:
    """Return which Python runs this; the script that calls us has refused older ones."""
    return Finding("ok", "Python", f"{platform.python_version()}, {sys.executable}")


def n_cores() -> int:
    """Return how many cores this process may use.

    Of its mask, and of the quota of its container.
    """
    mask = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _first_line(Path("/sys/fs/cgroup/cpu.max")).split()
    if len(quota) == 2 and quota[0] != "max":
        return max(1, min(mask, int(int(quota[0]) / int(quota[1]))))
    return mask


def cores() -> Finding:
    """Return how many cores there are, and whether others use them."""
    n, busy = n_cores(), os.getloadavg()[0]
    says = f"{n} of {os.cpu_count()}, {busy:.1f} in use over the last minute"
    if busy > 0.5 * n:
        return Finding(
            "note",
            "cores",
            says,
            "other programs compute here: a run will take longer than reckoned",
        )
    return Finding("ok", "cores", says)


def memory_bytes() -> float:
    """Return the bytes of memory that are free for jobs: of the machine, and of the container."""
    fields = dict(
        line.split(":") for line in _text(Path("/proc/meminfo")).splitlines() if ":" in line
    )
    free = (
        float(fields["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in fields else _physical()
    )
    folder = Path("/sys/fs/cgroup")
    limit, used = _first_line(folder / "memory.max"), _first_line(folder / "memory.current")
    return min(free, float(limit) - float(used)) if limit.isdigit() and used.isdigit() else free


def memory() -> Finding:
    """Return whether there is memory for one job per core."""
    free, n = memory_bytes(), n_cores()
    says, fits = f"{size(free)} free; a job takes up to {size(JOB_BYTES)}", int(free // JOB_BYTES)
    if fits < 1:
        return Finding("problem", "memory", says, "free some, or use a machine with more")
    if fits < n:
        return Finding(
            "note",
            "memory",
            says,
            f"run fewer jobs at once: snakemake --cores {fits} (make reproduce N={fits})",
        )
    return Finding("ok", "memory", says)


def compiler() -> Finding:
    """Return whether kernels can be compiled."""
    name, *arguments = shlex.split(os.environ.get("CXX", "")) or ["g++"]
    todo = (
        "install g++ (with its headers) if you can; without it training takes longer, to "
        "the same results"
    )
    if shutil.which(name) is None:
        return Finding("note", "compiler", f"no {name}", todo)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.cpp"
        source.write_text(
            "#include <cmath>\nint main() { return std::isnan(1.0); }\n", encoding="utf-8"
        )
        if (
            output(name, *arguments, str(source), "-o", str(source.with_suffix("")), timeout_s=60)
            is None
        ):
            return Finding("note", "compiler", f"{name} is there but does not compile", todo)
    version = (output(name, *arguments, "--version") or name).splitlines()[0]
    return Finding("ok", "compiler", version)


def gpu(settings: dict[str, str]) -> Finding:
    """Return which GPU there is, and whether the configuration fits it."""
    found = output("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    names = "; ".join((found or "").strip().splitlines())
    wanted = settings.get("device") == "cuda"
    if not names:
        if wanted:
            return Finding("problem", "GPU", "device is cuda, but nvidia-smi shows no GPU",
                           "set device: cpu and torch: cpu in config/config.yaml")  # fmt: skip
        return Finding(
            "ok", "GPU", "none, and none is asked for: the smoke and laptop scales need none"
        )
    if wanted and settings.get("torch") != "cuda":
        return Finding("problem", "GPU", f"{names}; device is cuda, but torch is the CPU build",
                       "set torch: cuda in config/config.yaml (gigabytes to download)")  # fmt: skip
    if not wanted:
        return Finding(
            "note",
            "GPU",
            f"{names}, not used",
            "to use it: snakemake --config torch=cuda device=cuda",
        )
    return Finding("ok", "GPU", names)


def clock(folder: Path) -> Finding:
    """Return whether the clock is plausible, and agrees with that of the file system.

    Snakemake compares the two.
    """
    before = time.time()
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
        offset = os.stat(file.name).st_mtime - before
    if before < RELEASE:
        return Finding(
            "problem",
            "clock",
            time.strftime("it is set to %Y-%m-%d"),
            "set it: what is newer decides what runs",
        )
    if abs(offset) > CLOCK_S:
        return Finding(
            "problem",
            "clock",
            f"files here are dated {offset:+.0f} s off the clock of this machine",
            "set both by the same time server: what is newer decides what runs",
        )
    return Finding("ok", "clock", time.strftime("%Y-%m-%d %H:%M:%S, and files are dated by it"))


def index(root: Path, *, is_needed: bool) -> Finding:
    """Return whether pip, as it is configured here, gets packages.

    Only asked where something is to be built.
    """
    if not is_needed:
        return Finding("ok", "package index", "not asked: the environments are built")
    if output(sys.executable, "-m", "pip", "--version") is None:
        return Finding(
            "note",
            "package index",
            "not asked: this Python has no pip",
            "set-up makes its own with venv or uv",
        )
    pin = _first_pin(root / "envs" / "driver.lock")
    with tempfile.TemporaryDirectory() as folder:
        got = output(
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "download",
            "--quiet",
            "--no-deps",
            "--no-cache-dir",
            "--retries=0",
            "--timeout=10",
            "--dest",
            folder,
            pin,
            timeout_s=60,
        )
    if got is None:
        return Finding(
            "problem",
            "package index",
            f"pip, as configured here, does not get {pin}",
            "check the network and `pip config list`; without a network put the wheels of "
            "envs/*.lock "
            "into a folder and set PIP_FIND_LINKS to it",
        )
    return Finding("ok", "package index", f"pip gets packages ({pin})")


def disk(root: Path, *, needed: float) -> Finding:
    """Return whether what is still to be built and made fits."""
    free = shutil.disk_usage(root).free
    says = f"{size(free)} free; set-up and a laptop run need about {size(needed)} more"
    if free < needed:
        return Finding("problem", "disk", says, "free some, or clone to another disk")
    if free < needed + 2 * GB:
        return Finding("note", "disk", says, "it is tight")
    return Finding("ok", "disk", says)


def _first_pin(lock: Path) -> str:
    pins = (
        line.split()[0] for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line
    )
    return next(pins)


def _physical() -> float:
    return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _first_line(path: Path) -> str:
    return _text(path).partition("\n")[0]
