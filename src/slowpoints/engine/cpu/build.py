"""Compile a kernel once per source, compiler flags and processor.

Where that cannot be done, say so once.
"""

import contextlib
import ctypes
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from slowpoints.paths import ROOT, is_project

log = logging.getLogger("slowpoints")
FLAGS = (
    "-O3",
    "-march=native",
    "-std=c++17",
    "-shared",
    "-fPIC",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wno-psabi",
)


def wants_eager() -> bool:
    """Return whether `SLOWPOINTS_ENGINE` asks for torch alone."""
    return os.environ.get("SLOWPOINTS_ENGINE", "compiled") == "eager"


def command() -> list[str]:
    """Return how the C++ compiler is called, as `CXX` says: a name or path, perhaps with arguments,
    such as "ccache g++"; empty where it is not there.
    """
    program, *arguments = shlex.split(os.environ.get("CXX", "")) or ["g++"]
    path = shutil.which(program)
    return [] if path is None else [path, *arguments]


@cache
def compiler() -> str | None:
    """Return the C++ compiler and its version, or None where there is none, or where torch alone is
    to run.
    """
    if wants_eager():
        return None
    called = command()
    if not called:
        log.info(
            "no C++ compiler (g++): recurrences run without the compiled kernel, slower and to "
            "the same results"
        )
        return None
    ask = [*called, "-dumpfullversion"]
    done = subprocess.run(ask, capture_output=True, text=True, check=False)
    name = " ".join([Path(called[0]).name, *called[1:]])
    return f"{name} {done.stdout.strip()}"


@cache
def widest_vector() -> int:
    """Return how many float32 numbers the processor handles at once."""
    flags = _processor_flags()
    return 16 if "avx512f" in flags else 8 if "avx2" in flags else 4


@cache
def has_32_registers() -> bool:
    """Return whether the processor has 32 vector registers, not 16."""
    return "avx512f" in _processor_flags() or platform.machine() in ("aarch64", "arm64")


@cache
def _processor_flags() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    lines = [
        line for line in text.splitlines() if line.startswith(("flags", "Features", "model name"))
    ]
    return f"{platform.machine()} {' '.join(sorted(set(lines)))}"


def folders() -> Iterator[Path]:
    """Yield where compiled kernels may be kept, the best place first.

    The environments of the project, or the cache of the user; else the temporary folder.
    """
    if is_project():
        yield ROOT / ".envs" / "kernels"
    else:
        with contextlib.suppress(RuntimeError):  # a user without a home
            own = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
            yield Path(own) / "slowpoints" / "kernels"
    yield Path(tempfile.gettempdir()) / f"slowpoints-{os.getuid()}"


def library(source: str) -> ctypes.CDLL | None:
    """Return the compiled source, or None where it cannot be compiled."""
    found = compiler()
    if found is None:
        return None
    key = hashlib.sha256(
        "\0".join([source, *FLAGS, found, _processor_flags()]).encode()
    ).hexdigest()[:24]
    for folder in folders():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.stat().st_uid != os.getuid():
                raise PermissionError(f"{folder} belongs to another user")
            return _load(folder / f"{key}.so", source)
        except OSError as error:
            problem = error
    log.info(
        "the compiled kernel cannot be kept or loaded (%s): recurrences run without it", problem
    )
    return None


def _load(path: Path, source: str) -> ctypes.CDLL | None:
    if not path.exists() and not _compile(path, source):
        return None
    return ctypes.CDLL(str(path))


def _compile(path: Path, source: str) -> bool:
    """Write the library under a temporary name first.

    Workers that compile at once do not see halves.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        text, made = Path(folder) / "kernel.cpp", Path(folder) / "kernel.so"
        text.write_text(source, encoding="utf-8")
        done = subprocess.run(
            [*command(), *FLAGS, str(text), "-o", str(made)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            log.info(
                "the compiler refused the kernel; recurrences run without it:\n%s",
                done.stderr[-2000:],
            )
            return False
        made.replace(path)
    return True
