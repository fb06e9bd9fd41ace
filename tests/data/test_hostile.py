"""Files and names that mean harm: nothing of them runs, and each is refused in words."""

import ast
import io
import itertools
import json
import pickle
import re
import shlex
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from helpers.plans import ROOT
from slowpoints.data.pickles import read_pickle
from slowpoints.data.registry import DataError
from slowpoints.provenance.records import BadResult, read_arrays, read_records, write_arrays

SOURCES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "workflow").rglob("*.py")])
RULES = {
    path.name: path.read_text("utf-8")
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk"))
}
READER = ROOT / "src/slowpoints/data/pickles.py"
PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN = (
    "torch.jit.load",
    "pd.read_pickle",
    "pandas.read_pickle",
    "os.system",
    "yaml.unsafe_load",
)
PLAIN = {  # by these words they read arrays alone
    "np.load": ("allow_pickle", "False"),
    "numpy.load": ("allow_pickle", "False"),
    "torch.load": ("weights_only", "True"),
}


def calls(path: Path) -> set[str]:
    """Return what a file calls and imports, as written, where it could bring objects out
    of a file.
    """
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] in PICKLES}
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PICKLES:
            found.add(str(node.module))
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            words = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if name in FORBIDDEN:
                found.add(name)
            if name in PLAIN and PLAIN[name] not in words.items():
                found.add(f"{name}({words})")
            if words.get("allow_pickle") == "True" or words.get("shell") == "True":
                found.add(f"{name}({words})")
            is_safe = words.get("Loader", "").endswith(("_Loader", "SafeLoader"))
            if name in ("yaml.load", "yaml.load_all") and not is_safe:
                found.add(f"{name}({words})")
    return found


def test_no_pickle_is_loaded_and_no_shell_is_called() -> None:
    assert len(SOURCES) > 100
    assert {path.name: calls(path) for path in SOURCES if calls(path)} == {READER.name: {"pickle"}}


def test_a_call_that_unpickles_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(
        "import joblib\nfrom pickle import loads\ntorch.load(p)\nnp.load(p, allow_pickle=True)\n"
        "yaml.load(t)\nsubprocess.run(c, shell=True)\n"
    )
    assert len(calls(tmp_path / "x.py")) == 6


def test_the_command_of_every_rule_quotes_what_it_is_given() -> None:
    """{x:q} is quoted by Snakemake; the others are numbers, words that a schema lists, or quoted
    before.
    """
    words = {
        "params.device",
        "params.matmul",
        "params.torch",
        "params.data_dir",
        "params.start",
        "params.before",
        "resources.attempt",
    }
    # by wildcard_constraints
    constrained = {"wildcards.scale", "wildcards.experiment", "wildcards.stack"}
    commands = [
        re.findall(r"^    shell:\n((?:        .*\n)+)", text, re.MULTILINE)
        for text in RULES.values()
    ]
    n_rules = sum(len(re.findall(r"^rule \w+:$", text, re.MULTILINE)) for text in RULES.values())
    assert sum(map(len, commands)) == n_rules > 0
    for command in itertools.chain(*commands):
        bare = {field for field in re.findall(r"{([^{}]*)}", command) if not field.endswith(":q")}
        assert bare <= words | constrained, command


def bomb(levels: int) -> bytes:
    """Return a pickle of a list that holds the one before it twice, and so on.

    Small here, 2**levels copied out.
    """
    value: list[object] = ["x"]
    for _ in range(levels):
        value = [value, value]
    return pickle.dumps(value, protocol=2)


HARM = {
    "runs a command": (b"cos\nsystem\n(S'true'\ntR.", "asks for os.system"),
    "builds a type": (b"cbuiltins\ntype\n(S'x'\n)}tR.", "asks for builtins.type"),
    "looks a name up by text": (
        b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93.",
        "asks for builtins.exec",
    ),
    "an old class": (b"(ios\nsystem\n.", "asks for os.system"),
    "a class to be made": (b"(cos\nsystem\nS'true'\no.", "asks for os.system"),
    "an extension code": (b"\x80\x02\x82\x01.", "unregistered extension code"),
    "an object of another file": (b"\x80\x02U\x01xQ.", "persistent"),
    "a name with dots": (b"cnumpy\nndarray.__class__\n.", "asks for numpy.ndarray.__class__"),
    "a text of 4 GB that is not there": (b"\x80\x04X\xff\xff\xff\xff", "not a pickled array"),
    "bytes of 2**62 that are not there": (
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62),
        "not a pickled array",
    ),
    "a frame of 2**62": (b"\x80\x04\x95" + struct.pack("<Q", 2**62), "not a pickled array"),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_pickle_that_means_harm_is_refused(harm: str) -> None:
    content, message = HARM[harm]
    with pytest.raises(DataError, match=message):
        read_pickle(io.BytesIO(content))


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(DataError, match="not a pickled array"):
        read_pickle(io.BytesIO(b"(" * 200_000 + b"."))


def test_a_list_that_holds_itself_many_times_stays_small() -> None:
    found = read_pickle(io.BytesIO(bomb(40)))
    assert found[0] is found[1]


def header(path: Path, length: int, text: bytes) -> Path:
    path.write_bytes(struct.pack("<Q", length) + text)
    return path


def described(shape: list[int], offsets: list[int], *, dtype: str = "F32") -> tuple[int, bytes]:
    text = json.dumps({"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}).encode()
    return len(text), text


ARRAYS = {
    "a header longer than the file": (2**62, b"{}"),
    "a header of 4 GB": (2**32, b"{}"),
    "no JSON": (8, b"{{{{{{{{"),
    "offsets beyond the end": described([2**40], [0, 2**42]),
    "a shape that overflows": described([2**33, 2**33], [0, 0]),
    "negative offsets": described([1], [-4, 0]),
    "an unknown type": described([1], [0, 8], dtype="OBJ"),
    "nested without end": (20_000, b"[" * 20_000),
    "empty": (0, b""),
}  # fmt: skip


@pytest.mark.parametrize("harm", ARRAYS)
def test_a_hostile_header_of_arrays_is_refused(harm: str, tmp_path: Path) -> None:
    with pytest.raises(BadResult, match="missing or damaged"):
        read_arrays(header(tmp_path / "x.safetensors", *ARRAYS[harm]))


def test_arrays_without_our_checksum_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3)}, tmp_path / "x.safetensors")
    with pytest.raises(BadResult, match="checksum"):
        read_arrays(tmp_path / "x.safetensors")
    seal = write_arrays(tmp_path / "y.safetensors", {"a": np.full(3, np.nan)})
    assert np.isnan(read_arrays(tmp_path / "y.safetensors", seal=seal)["a"]).all()


@pytest.mark.parametrize("text", ["{}", '{"a": NaN}\n', "[" * 100_000, "\0", "# sha256: 0\n"])
def test_records_without_our_checksum_are_refused_unread(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(text)
    with pytest.raises(BadResult, match="damaged"):
        read_records(tmp_path / "x.jsonl")


@pytest.mark.parametrize(
    "name",
    ["it's here", 'a"b', "a;touch harm", "$(touch harm)", "`touch harm`", "{scale} {x}", "a b"],
)
def test_a_folder_of_data_with_any_name_is_one_word_of_the_command(
    name: str, tmp_path: Path
) -> None:
    """The function of common.smk that makes the option is run here, and what it makes, by
    a shell.
    """
    (tmp_path / name).mkdir()
    (source,) = re.findall(
        r"^def data_option.*?(?=^\S)", RULES["common.smk"], re.MULTILINE | re.DOTALL
    )
    names = {"shlex": shlex, "config": {"data_dir": name}}
    exec(source, names)
    command = ["bash", "-c", f'set -- {names["data_option"](None)}; test "$#" = 2 && test -d "$2"']
    subprocess.run(command, check=True, cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
