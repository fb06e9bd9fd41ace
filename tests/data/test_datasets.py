"""The data module on tiny made-up data sets: a registry of its own, and a server on loopback."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from slowpoints.data import DataError, ensure, fetch, get_dataset, load_images, load_text, prepare

TEXT = b" anarchism z"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def data_dir(tmp_path):
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


@pytest.fixture
def server(monkeypatch):
    """Serve what is put into `pages`; the path /cut says it is longer than it is."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = pages.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header(
                "Content-Length", str(len(content or b"") + 5 * self.path.startswith("/cut"))
            )
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            pass

    pages = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}", pages
        httpd.shutdown()
        thread.join()


def write_registry(home, datasets, *, contents, urls=(), shipped=False):
    """Write a registry in which every file of `contents` is pinned."""
    pins = {
        name: {
            "shipped": shipped,
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "urls": list(urls),
        }
        for name, content in contents.items()
    }
    stated = {"licence": "made up", "source": "here"}
    home.mkdir()
    datasets = {name: stated | dataset for name, dataset in datasets.items()}
    (home / "registry.json").write_text(json.dumps({"datasets": datasets, "files": pins}))


def text_dataset(home, *, urls=(), shipped=False):
    """Pin the one text `t/text.txt`; return the file."""
    dataset = {
        "format": "text",
        "counts": {"characters": len(TEXT)},
        "files": {"text": "t/text.txt"},
    }
    write_registry(
        home, {"text": dataset}, contents={"t/text.txt": TEXT}, urls=urls, shipped=shipped
    )
    return get_dataset("text", home=home).files["text"]


@pytest.mark.parametrize("place", ["t/text.txt", "text.txt"])
def test_own_copies_are_found_in_sub_folders_and_flat(home, data_dir, place):
    file = text_dataset(home)
    (data_dir / place).parent.mkdir(exist_ok=True)
    (data_dir / place).write_bytes(TEXT)
    assert fetch(file, data_dir=data_dir, home=home) == data_dir / place
    wanted = [0, 1, 14, 1, 18, 3, 8, 9, 19, 13, 0, 26]
    assert load_text("text", data_dir=data_dir, home=home).tolist() == wanted


def test_a_wrong_own_copy_is_an_error_with_both_hashes_and_stays(home, data_dir, server):
    address, pages = server
    pages["/good"] = TEXT
    file = text_dataset(home, urls=[f"{address}/good"])
    (data_dir / "text.txt").write_bytes(b"wrong")
    with pytest.raises(DataError, match="not the pinned") as caught:
        fetch(file, data_dir=data_dir, home=home)
    assert file.digest in str(caught.value)
    assert hashlib.sha256(b"wrong").hexdigest() in str(caught.value)
    assert (data_dir / "text.txt").read_bytes() == b"wrong"


def test_a_missing_file_says_what_where_and_what_to_do(home, data_dir):
    file = text_dataset(home)
    with pytest.raises(DataError) as caught:
        fetch(file, data_dir=data_dir, home=home)
    places = [data_dir / "t/text.txt", data_dir / "text.txt", home / "downloads/t/text.txt"]
    for part in ["t/text.txt was not found", file.digest, "Set data_dir", *map(str, places)]:
        assert part in str(caught.value)


def test_a_missing_shipped_file_is_not_sought_elsewhere(home, data_dir):
    file = text_dataset(home, shipped=True)
    (data_dir / "text.txt").write_bytes(TEXT)
    with pytest.raises(DataError, match="restore it from version control"):
        fetch(file, data_dir=data_dir, home=home)


def test_a_data_dir_that_does_not_exist_is_an_error(home, tmp_path):
    file = text_dataset(home)
    with pytest.raises(DataError, match="not a folder"):
        fetch(file, data_dir=tmp_path / "typo", home=home)


def test_a_download_is_kept_and_used_again(home, server):
    address, pages = server
    pages["/good"] = TEXT
    file = text_dataset(home, urls=[f"{address}/good"])
    assert fetch(file, home=home) == home / "downloads/t/text.txt"
    pages.clear()
    assert fetch(file, home=home).read_bytes() == TEXT


@pytest.mark.parametrize("bad", ["/absent", "/wrong", "/cut", "/long"])
def test_a_bad_address_is_passed_over_for_the_next(home, server, bad):
    address, pages = server
    pages |= {"/wrong": b"x" * len(TEXT), "/cut": TEXT[:-5], "/long": TEXT * 2, "/good": TEXT}
    file = text_dataset(home, urls=[address + bad, f"{address}/good"])
    assert fetch(file, home=home).read_bytes() == TEXT


def test_failed_downloads_leave_nothing_and_are_all_named(home, server):
    address, pages = server
    pages |= {"/wrong": b"x" * len(TEXT), "/cut": TEXT[:-5]}
    urls = [address + page for page in ("/wrong", "/cut", "/absent")] + [
        "http://127.0.0.1:1/refused"
    ]
    file = text_dataset(home, urls=urls)
    with pytest.raises(DataError) as caught:
        fetch(file, home=home)
    assert all(url in str(caught.value) for url in urls)
    assert not [path for path in (home / "downloads").rglob("*") if path.is_file()]


def test_ensure_tells_all_that_is_wrong_at_once(home, data_dir):
    entry = {"format": "text", "counts": {}}
    datasets = {name: entry | {"files": {"text": f"{name}.txt"}} for name in "abc"}
    write_registry(home, datasets, contents={f"{name}.txt": name.encode() for name in "abc"})
    (data_dir / "b.txt").write_bytes(b"b")
    ensure(["b"], data_dir=data_dir, home=home)
    with pytest.raises(DataError, match=r"(?s)a\.txt was not found.*c\.txt was not found"):
        ensure("abc", data_dir=data_dir, home=home)


def test_an_unknown_name_is_told_the_known_ones(home):
    text_dataset(home)
    with pytest.raises(DataError, match="unknown data set 'txet'; known: text"):
        load_text("txet", home=home)
    with pytest.raises(DataError, match="text, not images"):
        load_images("text", home=home)


def test_a_count_that_differs_from_the_registry_is_an_error(home):
    dataset = {"format": "text", "counts": {"characters": 5}, "files": {"text": "t.txt"}}
    write_registry(home, {"text": dataset}, contents={"t.txt": b"four"}, shipped=True)
    (home / "t.txt").write_bytes(b"four")
    with pytest.raises(DataError, match="text has 4 characters, wanted 5"):
        load_text("text", home=home)


def test_two_files_of_one_name_are_told_apart_in_a_flat_folder(home, data_dir):
    entry = {"format": "text", "counts": {"characters": 1}}
    datasets = {name: entry | {"files": {"text": f"{name}/text.txt"}} for name in "ab"}
    write_registry(home, datasets, contents={"a/text.txt": b"a", "b/text.txt": b"b"})
    (data_dir / "text.txt").write_bytes(b"b")
    assert load_text("b", data_dir=data_dir, home=home).tolist() == [2]
    with pytest.raises(DataError, match=r"a/text\.txt was not found"):
        load_text("a", data_dir=data_dir, home=home)


def test_the_manifest_tells_the_data_and_not_the_place(home, data_dir, tmp_path):
    text_dataset(home)
    (data_dir / "text.txt").write_bytes(TEXT)
    prepare("text", data_dir=data_dir, out=tmp_path / "one/text.json", home=home)
    (data_dir / "text.txt").rename(data_dir / "moved.txt")
    (data_dir / "t").mkdir()
    (data_dir / "moved.txt").rename(data_dir / "t/text.txt")
    prepare("text", data_dir=data_dir, out=tmp_path / "two.json", home=home)
    assert (tmp_path / "one/text.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    manifest = json.loads((tmp_path / "two.json").read_text())
    digest = hashlib.sha256(TEXT).hexdigest()
    assert manifest["files"] == [{"name": "t/text.txt", "bytes": len(TEXT), "sha256": digest}]
    assert manifest["counts"] == {"characters": len(TEXT)}
