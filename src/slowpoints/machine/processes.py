"""Which Snakemake processes work in a folder, on this machine.

Standard library only; empty where there is no /proc.
"""

from pathlib import Path

PROCESSES = Path("/proc")


def workflows(root: Path) -> list[int]:
    """Return the processes that run the workflow of the project at `root`."""
    return [int(own.name) for own in PROCESSES.glob("[0-9]*") if _is_workflow(own, root)]


def _is_workflow(process: Path, root: Path) -> bool:
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        is_here = (process / "cwd").resolve() == root.resolve()
    except OSError:  # it has ended, or is another user's
        return False
    is_snakemake = any(
        Path(word).name in ("snakemake", "__main__.py") and "snakemake" in word
        for word in words[:3]
    )
    is_module = "-m" in words[:3] and "snakemake" in words[:4]
    return is_here and (is_snakemake or is_module)
