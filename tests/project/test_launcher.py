"""workflow/scripts/stage: one pinned environment per stage, built once, whatever happens on the
way.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from slowpoints.machine.doctor import project as doctor

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "cat", "cmp", "grep", "ls", "mkdir", "rm", "sed", "tail", "tr", "sleep", "ln", "id")


def executable(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


class Project:
    """A copy of the launcher with one small stage, its one wheel, no network, and a PATH of its
    own.
    """

    def __init__(self, folder: Path, *, with_uv: bool) -> None:
        self.folder, self.tools, self.wheels = (
            folder / "a project",
            folder / "bin",
            folder / "wheels",
        )
        for path in (
            self.folder / "workflow/scripts",
            self.folder / "envs",
            self.tools,
            self.wheels,
        ):
            path.mkdir(parents=True)
        shutil.copy(ROOT / "workflow/scripts/stage", self.folder / "workflow/scripts/stage")
        for tool in TOOLS:
            (self.tools / tool).symlink_to(str(shutil.which(tool)))
        (self.tools / "python3").symlink_to(Path(sys.executable).resolve())
        uv = (
            shutil.which("uv", path=f"{ROOT}/.envs/driver/bin:{os.environ['PATH']}")
            if with_uv
            else None
        )
        if uv:
            executable(self.tools / "uv", f'exec "{uv}" "$@"')
        self.lock = self.folder / "envs/tiny.lock"
        self.lock.write_text(f"# a stage\nprobe==1.0 --hash=sha256:{self.wheel()}\n")
        offline = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "PIP_FIND_LINKS": str(self.wheels)}
        kept = {
            key: os.environ[key]
            for key in ("HOME", "UV_CACHE_DIR", "PYENV_ROOT")
            if key in os.environ
        }
        self.environment = {**kept, **offline, "PATH": str(self.tools)}

    def wheel(self, source: str = "answer = 42") -> str:
        path = self.wheels / "probe-1.0-py3-none-any.whl"
        info = "probe-1.0.dist-info"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("probe.py", source + "\n")
            archive.writestr(
                f"{info}/METADATA", "Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n"
            )
            archive.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            archive.writestr(
                f"{info}/RECORD",
                f"probe.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
            )
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.folder / "workflow/scripts/stage", *arguments],
            env={**self.environment, **environment},
            cwd=self.tools,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate()
        return process.returncode, out, err

    def installer(self, script: str) -> None:
        """Put a pretended uv in the place of uv; it notes what it is asked in the file `asked`."""
        noted = f'case $1 in --version) exit ;; esac\necho "$*" >>{self.tools}/asked\n'
        executable(self.tools / "uv", noted + script)

    def asked(self) -> list[str]:
        return (self.tools / "asked").read_text().splitlines()


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, with_uv=True)


ANSWER = ("-c", "import probe; print(probe.answer)")
PRETENDED_VENV = (
    'case $1 in venv) for env; do :; done; mkdir -p "$env/bin"; ln -sf {} "$env/bin/python" ;; esac'
)


@pytest.mark.parametrize("with_uv", [True, False], ids=["uv", "pip"])
def test_the_first_call_builds_and_the_second_only_runs(tmp_path, with_uv):
    project = Project(tmp_path, with_uv=with_uv)
    status, out, err = project.run("tiny", *ANSWER)
    assert (status, out, err.count("building")) == (0, "42\n", 1)
    assert project.run("tiny", *ANSWER) == (0, "42\n", "")


def test_three_first_calls_at_once_build_once(project):
    started = [project.start("tiny", *ANSWER) for _ in range(3)]
    ended = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert [out for out, _ in ended] == ["42\n"] * 3
    assert sum(err.count("building") for _, err in ended) == 1


def test_a_built_stage_starts_without_delay(project):
    project.run("tiny")
    seconds = []
    for _ in range(10):
        begin = time.perf_counter()
        assert project.run("tiny") == (0, "", "")
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 0.040


def test_a_changed_lock_and_a_moved_project_are_built_again(project):
    project.run("tiny")
    project.lock.write_text(project.lock.read_text() + "# changed\n")
    assert "building" in project.run("tiny")[2]
    project.folder = project.folder.rename(project.folder.with_name("moved"))
    status, out, err = project.run("tiny", *ANSWER)
    assert (status, out, err.count("building")) == (0, "42\n", 1)


def test_a_file_with_another_hash_is_refused_with_the_log_and_a_way_out(project):
    project.lock.write_text(f"# a stage\nprobe==1.0 --hash=sha256:{'0' * 64}\n")
    for _ in range(2):
        status, out, err = project.run("tiny", *ANSWER)
        assert (status, out) == (1, "")
        assert "could not install tiny.lock" in err
        assert f"full log is {project.folder}/.envs/tiny.log" in err
        assert "0" * 64 in err


def test_a_build_killed_halfway_is_done_again(project):
    uv = (project.tools / "uv").read_text()
    project.installer(PRETENDED_VENV.format("python3") + "\nsleep 60")
    with project.start("tiny") as process:
        while not (project.folder / ".envs/tiny/bin/python").is_symlink():
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    executable(project.tools / "uv", uv.removeprefix("#!/bin/sh\n"))
    status, out, err = project.run("tiny", *ANSWER)
    assert (status, out, err.count("building")) == (0, "42\n", 1)


def with_torch(project: Project) -> None:
    project.lock.write_text("# on top comes torch-cpu.lock or torch-cuda.lock\n")
    for flavour in ("cpu", "cuda"):
        (project.folder / f"envs/torch-{flavour}.lock").write_text(f"# {flavour}\n")
    (project.folder / "envs/torch-cpu.in").write_text(
        "--index-url https://torch.example/cpu\ntorch\n"
    )


def test_cpu_is_the_default_and_never_asks_for_the_cuda_build(project):
    with_torch(project)
    python = project.tools / "python3"
    project.installer(
        PRETENDED_VENV.format(python) + '\ncase "$*" in *torch-cpu.lock) exit 1 ;; esac'
    )
    assert project.run("tiny")[0] == 0
    assert [line.split("/envs/")[1] for line in project.asked() if " -r " in line] == [
        "tiny.lock",
        "torch-cpu.lock",  # the configured index did not have it
        "torch-cpu.lock --index-url https://torch.example/cpu",
    ]
    assert all("--require-hashes" in line for line in project.asked() if " -r " in line)


def test_cuda_has_its_environment_beside_the_other(project):
    with_torch(project)
    project.installer(PRETENDED_VENV.format(project.tools / "python3"))
    for flavour in ("cpu", "cuda", "cpu"):
        assert project.run("tiny", TORCH=flavour)[0] == 0
    assert [line.split("/envs/")[1] for line in project.asked() if "torch-" in line] == [
        "torch-cpu.lock",
        "torch-cuda.lock",
    ]
    assert project.run("tiny", TORCH="gpu") == (
        1,
        "",
        "stage tiny: TORCH is 'gpu'; it must be cpu or cuda\n",
    )


@pytest.mark.parametrize("with_uv", [True, False], ids=["uv", "pip"])
def test_pips_own_file_and_settings_that_break_an_installation(tmp_path, with_uv):
    project = Project(tmp_path, with_uv=with_uv)
    wheels = project.environment.pop("PIP_FIND_LINKS")
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nfind-links = {wheels}\nuser = true\n")
    elsewhere = {"PIP_TARGET": str(tmp_path / "target"), "PIP_REQUIRE_VIRTUALENV": "1"}
    status, out, err = project.run("tiny", *ANSWER, PIP_CONFIG_FILE=str(settings), **elsewhere)
    assert (status, out) == (0, "42\n"), err
    assert not (tmp_path / "target").exists()


def test_a_mirror_in_pips_file_is_asked(project, tmp_path):
    settings = tmp_path / "pip.conf"
    settings.write_text("[install]\nindex-url = https://mirror.example/simple\n")
    project.installer(
        PRETENDED_VENV.format(project.tools / "python3")
        + f'\necho "index $UV_DEFAULT_INDEX" >>{project.tools}/asked'
    )
    assert project.run("tiny", PIP_CONFIG_FILE=str(settings))[0] == 0
    assert "index https://mirror.example/simple" in project.asked()


def test_an_environment_that_cannot_import_what_it_should_is_not_ready(project):
    (project.folder / "envs/tiny.in").write_text("# a stage\nprobe\n")
    project.lock.write_text(
        f"# a stage\nprobe==1.0 --hash=sha256:{project.wheel('import not_there')}\n"
    )
    for _ in range(2):
        status, _, err = project.run("tiny", *ANSWER)
        assert status == 1
        assert "No module named 'not_there'" in err
    project.lock.write_text(f"# a stage\nprobe==1.0 --hash=sha256:{project.wheel()}\n")
    assert project.run("tiny", *ANSWER)[:2] == (0, "42\n")


def test_a_user_without_a_home_or_a_name_is_given_them(project):
    code = "import getpass, os, pathlib; getpass.getuser(); print(pathlib.Path.home())"
    status, out, _ = project.run("tiny", "-c", code, HOME="/proc/none")
    assert (status, out) == (0, f"{project.folder}/.envs/home\n")


def test_an_old_python_is_named_and_refused(project):
    (project.tools / "python3").unlink()
    executable(
        project.tools / "python3", 'case $1 in --version) echo "Python 3.9.2" ;; *) echo ;; esac'
    )
    status, _, err = project.run("tiny")
    assert status == 1
    assert "needs Python 3.11 or newer; on PATH is Python 3.9.2" in err
    assert not (project.folder / ".envs/tiny").exists()


@pytest.mark.parametrize(
    "environment",
    [{"SLOWPOINTS_ENVS": "active"}, {"CONDA_PREFIX": "/data/.snakemake/conda/0a1b_"}],
    ids=str,
)
def test_an_environment_that_is_active_already_is_used_as_it_is(project, environment):
    executable(project.tools / "python", 'echo "python $*"')
    assert project.run("tiny", "-m", "x", **environment) == (0, "python -m x\n", "")
    assert not (project.folder / ".envs").exists()


def test_jobs_run_with_one_thread_fixed_hashes_and_our_source(project):
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    _, out, _ = project.run(
        "tiny", "-c", code, PYTHONDONTWRITEBYTECODE="1", PYTHONPATH="/elsewhere"
    )
    found = json.loads(out)
    assert found["PYTHONPATH"] == f"{project.folder}/src"
    assert (found["PYTHONHASHSEED"], found["PYTHONNOUSERSITE"]) == ("0", "1")
    assert (found["OMP_NUM_THREADS"], found["MKL_NUM_THREADS"]) == ("1", "1")
    assert (found["MPLBACKEND"], found["SOURCE_DATE_EPOCH"]) == ("agg", "0")
    assert found["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert found["PATH"].startswith(f"{project.folder}/.envs/tiny/bin:")
    assert "PYTHONDONTWRITEBYTECODE" not in found
    assert "UV_FIND_LINKS" not in found


def test_an_unknown_stage_is_answered_with_the_known_ones(project):
    status, _, err = project.run("trian")
    assert status == 1
    assert "no such stage" in err
    assert "tiny" in err


def test_the_doctor_sees_an_environment_as_the_launcher_does(project):
    assert doctor.state_of(project.folder, "tiny", torch="cpu") == "not built"
    project.run("tiny")
    assert doctor.state_of(project.folder, "tiny", torch="cpu") == ""
    project.lock.write_text(project.lock.read_text() + "# changed\n")
    assert doctor.state_of(project.folder, "tiny", torch="cpu") == "built from other locks"
