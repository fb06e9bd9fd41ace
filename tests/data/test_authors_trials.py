"""The published trials, from made-up archives.

What is read, and what is refused before it can run.
"""

import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import tarfile

import numpy as np
import pytest

from helpers.plans import ROOT
from slowpoints.data import DataError, authors_trials
from slowpoints.data.pickles import read_pickle
from slowpoints.provenance.records import read_table

HPARAMS = {
    "optimizer": "RMSProp",
    "lr_init": np.float64(3.98e-3),
    "train_steps": np.int64(1_176_212),
}
TYPES = [
    ("architecture", object),
    ("task_type", "S16"),
    ("hparams", object),
    ("n_layers", int),
    ("hyper_iter", int),
    ("max_params", int),
    ("num_params", int),
    ("train_loss", float),
    ("valid_loss", float),
    ("eval_loss", float),
]
TRIALS = [
    ("lstm", b"text8", HPARAMS, 4, 17, 1_280_000, 1_268_217, 1.5, 1.55, 1.54927),
    (
        "+rnn",
        b"text8",
        HPARAMS | {"lr_init": np.inf},
        2,
        18,
        1_280_000,
        1_268_000,
        np.nan,
        np.inf,
        np.nan,
    ),
]


def pickled(names=None) -> bytes:
    """Return a structured array pickled as by Python 2."""
    array = np.array(TRIALS, dtype=TYPES)
    return pickle.dumps(array[names] if names else array, protocol=2)


class Malicious:
    def __reduce__(self):
        return os.system, ("touch harm",)


@pytest.fixture
def archived(tmp_path, monkeypatch):
    """Return a function that writes an archive, pins it, and reads its rows."""
    monkeypatch.chdir(tmp_path)

    def read(members, *, pin=None):
        path = tmp_path / "own" / "rnn_hp_dataset.tar.gz"
        path.parent.mkdir()
        with tarfile.open(path, "w:gz") as archive:
            for name, content in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        home = tmp_path / "home"
        home.mkdir()
        digest = pin or hashlib.sha256(path.read_bytes()).hexdigest()
        file = {"shipped": False, "bytes": path.stat().st_size, "sha256": digest, "urls": []}
        dataset = {"format": "pickles", "licence": "made up", "source": "here", "counts": {}}
        dataset["files"] = {"archive": path.name}
        content = {"datasets": {authors_trials.NAME: dataset}, "files": {path.name: file}}
        (home / "registry.json").write_text(json.dumps(content))
        return list(authors_trials.rows(data_dir=path.parent, home=home))

    return read


def test_trials_are_rows_without_numpy(archived):
    first, second = archived(
        {"dataset/fig3_txt8rcf.p": pickled(), "dataset/._fig3_txt8rcf.p": b"", "README.md": b""}
    )
    assert first == {
        "architecture": "lstm",
        "task_type": "text8",
        "n_layers": 4,
        "hyper_iter": 17,
        "max_params": 1_280_000,
        "num_params": 1_268_217,
        "train_loss": 1.5,
        "valid_loss": 1.55,
        "eval_loss": 1.54927,
        "source": "fig3_txt8rcf",
        "hparams": '{"lr_init": 0.00398, "optimizer": "RMSProp", "train_steps": 1176212}',
    }
    assert [second[name] for name in authors_trials.LOSSES] == [None] * 3
    assert json.loads(second["hparams"])["lr_init"] is None


def test_every_array_of_the_archive_is_read_and_named(archived):
    rows = archived({"fig4_arith.p": pickled(), "fig3_txt8rcf.p": pickled()})
    assert [row["source"] for row in rows] == ["fig4_arith"] * 2 + ["fig3_txt8rcf"] * 2


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
def test_arrays_of_any_age_are_read(protocol):
    array = np.array(TRIALS, dtype=TYPES)
    own = pickle.dumps(array, protocol=protocol)
    old = own.replace(b"numpy._core.multiarray", b"numpy.core.multiarray") if protocol < 4 else own
    for content in (own, old):
        assert read_pickle(io.BytesIO(content)).tolist()[0][:4] == array.tolist()[0][:4]


def test_text_of_python_2_is_read():
    # what Python 2 writes for {'caf\xe9': 'lstm'}
    assert read_pickle(io.BytesIO(b"\x80\x02}U\x04caf\xe9U\x04lstms.")) == {"caf\xe9": "lstm"}


@pytest.mark.parametrize(
    "content", [Malicious(), np.array([Malicious()], object), {"hparams": [Malicious()]}]
)
def test_a_pickle_that_would_run_something_is_refused_by_name(content, archived, tmp_path):
    with pytest.raises(DataError, match=r"fig4\.p: the pickle asks for posix\.system"):
        archived({"fig4.p": pickle.dumps(content, protocol=2)})
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"cbuiltins\neval\n(S'1'\ntR.", r"builtins\.eval"),
        (b"c__builtin__\ngetattr\n.", r"__builtin__\.getattr"),
        (b"cnumpy\nload\n.", r"numpy\.load"),
        (b"cnumpy\nndarray.tofile\n.", r"numpy\.ndarray\.tofile"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.", r"numpy\.ndarray\.tofile"),
        (b"c_codecs\nencode\n(S'x'\nS'hex'\ntR.", "bytes in 'hex'"),
    ],
)
def test_no_other_name_is_known(content, name):
    with pytest.raises(DataError, match=name):
        read_pickle(io.BytesIO(content))


@pytest.mark.parametrize("content", [b"", b"no pickle", pickled()[:-40]])
def test_what_is_no_pickle_is_an_error(content, archived):
    with pytest.raises(DataError, match=r"fig4\.p: not a pickled array"):
        archived({"fig4.p": content})


@pytest.mark.parametrize("name", ["../fig4.p", "/fig4.p", "dataset/../../fig4.p"])
def test_a_member_that_points_out_of_the_archive_is_refused(name, archived):
    with pytest.raises(DataError, match="points out of the archive"):
        archived({name: pickled()})


def test_another_archive_is_refused_unread(archived, tmp_path):
    with pytest.raises(DataError, match="is not the pinned"):
        archived({"fig4.p": pickle.dumps(Malicious())}, pin="0" * 64)
    assert not (tmp_path / "harm").exists()


def test_a_missing_column_is_named(archived):
    with pytest.raises(DataError, match=r"it lacks \['eval_loss'\]"):
        archived({"fig4.p": pickled([name for name, _ in TYPES[:-1]])})


@pytest.mark.parametrize("content", [[1, 2], np.zeros(3)])
def test_what_is_not_a_table_is_refused(content, archived):
    with pytest.raises(DataError, match=r"it lacks \['architecture'"):
        archived({"fig4.p": pickle.dumps(content, protocol=2)})


def test_an_archive_without_arrays_is_refused(archived):
    with pytest.raises(DataError, match=r"no member \*\.p"):
        archived({"README.md": b""})


def test_where_there_is_no_archive_the_table_has_its_columns_and_no_rows(tmp_path):
    command = [sys.executable, "-m", "slowpoints", "authors", "--data-dir", str(tmp_path), "--out"]
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    subprocess.run([*command, str(tmp_path / "t.csv")], check=True, env=env, timeout=60)
    table = read_table(tmp_path / "t.csv")
    assert list(table) == [*authors_trials.COLUMNS, "source"]
    assert table.empty
