import csv
import gzip
import hashlib
import http.server
import threading
from collections import Counter
from pathlib import Path

import pytest

from zsnas import sources
from zsnas.sources import (
    MirrorMissingError,
    Source,
    SourceCorruptError,
    SourceUnavailable,
    cite,
    fetch,
    list_sources,
    source,
    verify,
)

CONTENT = b"index,accuracy\n0,93.2\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATH = "sources/somebody/table.csv"
WRONG = b"index,accuracy\n0,99.9\n"


class Server:
    """Answers on 127.0.0.1 with what `answers` says for a path, and counts what it is asked for."""

    def __init__(self):
        self.answers = {}
        self.knows_ranges, self.ranges = False, []
        self.requests = Counter()
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def _handler(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests[self.path] += 1
                status, content, promised, *headers = server.answers.get(self.path, (404, b"", 0))
                asked = self.headers.get("Range")
                if asked and server.knows_ranges:
                    start = int(asked.removeprefix("bytes=").removesuffix("-"))
                    server.ranges.append(start)
                    status, content, promised = 206, content[start:], promised - start
                self.send_response(status)
                self.send_header("Content-Length", str(promised))
                for header in headers:
                    self.send_header(*header)
                self.end_headers()
                try:
                    self.wfile.write(content)
                except ConnectionError:  # the reader has seen enough
                    self.close_connection = True

            def log_message(self, *_):
                pass

        return Handler

    def serve(self, path, content, promised=None):
        self.answers[path] = (200, content, len(content) if promised is None else promised)

    def close(self):
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Register ``somebody/table``, which the server may serve, and ``images/secret``, without address.

    The cache is empty, there is no mirror, and 127.0.0.1 is reached directly.
    """
    server = Server()
    entries = [
        Source(
            "somebody/table", f"{server.url}/table.csv", PATH, SHA256, len(CONTENT), "MIT", "S. Body, 2020"
        ),
        Source("images/secret", None, "images/secret.npz", SHA256, len(CONTENT), "none", "Nobody, 2021"),
    ]
    monkeypatch.setattr(sources, "_registry", lambda: {entry.name: entry for entry in entries})
    monkeypatch.setenv("ZSNAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", "")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.close()


@pytest.fixture
def cache_folder(server, tmp_path):
    """Return where `server` lets downloads go."""
    assert not server.requests
    return tmp_path / "cache"


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def put(folder, content):
    path = folder / PATH
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_file_is_downloaded_into_the_cache_and_from_then_on_read_there(server, cache_folder):
    server.serve("/table.csv", CONTENT)
    path = fetch("somebody/table")
    assert path == cache_folder / PATH
    assert path.read_bytes() == CONTENT
    assert fetch("somebody/table") == path
    assert server.requests["/table.csv"] == 1
    assert files_below(cache_folder) == [path]


def test_the_mirror_comes_before_cache_and_network(server, cache_folder, tmp_path, monkeypatch):
    put(cache_folder, CONTENT)
    mirrored = put(tmp_path / "mirror", CONTENT)
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", str(tmp_path / "mirror"))
    assert fetch("somebody/table") == mirrored
    assert not server.requests


def test_a_file_that_the_mirror_lacks_comes_from_the_network(server, cache_folder, tmp_path, monkeypatch):
    server.serve("/table.csv", CONTENT)
    (tmp_path / "mirror").mkdir()
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", str(tmp_path / "mirror"))
    assert fetch("somebody/table") == cache_folder / PATH
    assert not files_below(tmp_path / "mirror")


def test_a_mirror_may_be_a_base_url(server, cache_folder, monkeypatch):
    server.serve(f"/base/{PATH}", CONTENT)
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", f"{server.url}/base/")
    assert fetch("somebody/table") == cache_folder / PATH
    assert server.requests == {f"/base/{PATH}": 1}


def test_the_public_address_follows_a_mirror_url_that_lacks_the_file(server, monkeypatch):
    server.serve("/table.csv", CONTENT)
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", f"{server.url}/base")
    assert fetch("somebody/table").read_bytes() == CONTENT
    assert server.requests == {f"/base/{PATH}": 1, "/table.csv": 1}


def test_the_default_mirror_is_the_sibling_folder_when_there_is_one(tmp_path, monkeypatch):
    monkeypatch.delenv("ZSNAS_DATA_MIRROR", raising=False)
    monkeypatch.setattr(sources, "_REPOSITORY", tmp_path / "repository")
    assert sources._mirror() is None
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert sources._mirror() == str(tmp_path / "shared" / "data")


def test_an_empty_variable_means_no_mirror(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_REPOSITORY", tmp_path / "repository")
    (tmp_path / "shared" / "data").mkdir(parents=True)
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", "")
    assert sources._mirror() is None


def test_without_a_variable_the_cache_is_the_users_own(monkeypatch, tmp_path):
    monkeypatch.delenv("ZSNAS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert sources.cache_folder().name == "zsnas"


def test_wrong_bytes_from_the_network_are_refused_and_not_kept(server, cache_folder):
    server.serve("/table.csv", WRONG)
    with pytest.raises(SourceCorruptError, match="nothing was kept; try again") as refusal:
        fetch("somebody/table")
    for part in ("somebody/table", f"{server.url}/table.csv", SHA256, hashlib.sha256(WRONG).hexdigest()):
        assert part in str(refusal.value)
    assert files_below(cache_folder) == []


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_truncated_download_is_an_error_and_the_next_one_completes_it(server, cache_folder, knows_ranges):
    server.serve("/table.csv", CONTENT[:7], promised=len(CONTENT))
    with pytest.raises(SourceUnavailable, match="IncompleteRead"):
        fetch("somebody/table")
    assert [path.read_bytes() for path in files_below(cache_folder)] == [CONTENT[:7]]
    server.serve("/table.csv", CONTENT)
    server.knows_ranges = knows_ranges
    assert fetch("somebody/table").read_bytes() == CONTENT
    assert server.ranges == ([7] if knows_ranges else [])
    assert files_below(cache_folder) == [cache_folder / PATH]


def test_what_is_left_of_another_file_is_not_kept(server, cache_folder):
    put(cache_folder, b"").with_name("table.csv.part").write_bytes(b"garbage")
    (cache_folder / PATH).unlink()
    server.serve("/table.csv", CONTENT)
    server.knows_ranges = True
    with pytest.raises(SourceCorruptError, match="nothing was kept"):
        fetch("somebody/table")
    assert fetch("somebody/table").read_bytes() == CONTENT


def test_a_download_stops_at_the_registered_size(server, cache_folder):
    endless = CONTENT + bytes(10**7)
    server.serve("/table.csv", endless)
    with pytest.raises(
        SourceCorruptError, match=f"more than the registered {len(CONTENT)}; nothing was kept"
    ):
        fetch("somebody/table")
    assert files_below(cache_folder) == []


def test_what_a_server_packs_is_not_unpacked(server, cache_folder):
    bomb = gzip.compress(bytes(10**7))
    server.answers["/table.csv"] = (200, bomb, len(bomb), ("Content-Encoding", "gzip"))
    with pytest.raises(SourceCorruptError, match="wrong bytes"):
        fetch("somebody/table")
    assert files_below(cache_folder) == []


def test_a_mirror_that_answers_a_web_page_or_other_bytes_falls_through_to_the_public_address(
    server, monkeypatch
):
    page = b"<html>please sign in</html>"
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", f"{server.url}/base")
    server.answers[f"/base/{PATH}"] = (200, page, len(page), ("Content-Type", "text/html; charset=utf-8"))
    with pytest.raises(SourceUnavailable, match=r"answers with a web page in place of the file; .*404"):
        fetch("somebody/table")
    server.serve("/table.csv", CONTENT)
    assert fetch("somebody/table").read_bytes() == CONTENT


def test_other_bytes_of_a_mirror_fall_through_to_the_public_address(server, monkeypatch):
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", f"{server.url}/base")
    server.serve(f"/base/{PATH}", WRONG)
    server.serve("/table.csv", CONTENT)
    assert fetch("somebody/table").read_bytes() == CONTENT


def test_a_server_that_trickles_is_given_up_and_what_came_is_kept(server, cache_folder, monkeypatch):
    monkeypatch.setattr(sources, "_PATIENCE", -1.0)
    monkeypatch.setattr(sources, "_SLOWEST", 10**12)
    server.serve("/table.csv", CONTENT)
    with pytest.raises(SourceUnavailable, match="sends less than 1000000000000 bytes a second"):
        fetch("somebody/table")
    assert [path.name for path in files_below(cache_folder)] == ["table.csv.part"]


@pytest.mark.parametrize("path", ["../../victim", "/etc/victim", ""])
@pytest.mark.parametrize("use", [fetch, verify])
def test_a_registered_path_that_leaves_the_cache_is_refused(use, path, server, cache_folder, monkeypatch):
    victim = cache_folder.parent.parent / "victim"
    victim.write_bytes(b"precious")
    entry = Source("a/b", f"{server.url}/table.csv", path, SHA256, len(CONTENT), "MIT", "S. Body, 2020")
    monkeypatch.setattr(sources, "_registry", lambda: {"a/b": entry})
    with pytest.raises(ValueError, match=r"of 'a/b' leaves the folder of the data"):
        use("a/b")
    assert victim.read_bytes() == b"precious"
    victim.unlink()


def test_a_missing_page_is_one_sentence_with_the_two_ways(server, cache_folder):
    with pytest.raises(SourceUnavailable, match="404") as failure:
        fetch("somebody/table")
    message = str(failure.value)
    assert f"'zsnas data fetch somebody/table' downloads {server.url}/table.csv" in message
    assert f"set ZSNAS_DATA_MIRROR to a folder or base URL that holds {PATH}" in message
    assert "\n" not in message
    assert files_below(cache_folder) == []


def test_an_unreachable_network_is_an_error_that_names_the_address(server, cache_folder):
    server.close()
    with pytest.raises(SourceUnavailable, match=r"127\.0\.0\.1.*Two ways to get it"):
        fetch("somebody/table")
    assert files_below(cache_folder) == []


def test_a_cache_that_cannot_be_written_is_an_error(server, tmp_path, monkeypatch):
    server.serve("/table.csv", CONTENT)
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("ZSNAS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(SourceUnavailable, match=r"cannot be written \(Not a directory\); set ZSNAS_CACHE"):
        fetch("somebody/table")


@pytest.mark.usefixtures("server")
def test_a_mirror_folder_that_does_not_exist_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(MirrorMissingError, match=r"nowhere.*is not a folder: correct it"):
        fetch("somebody/table")


@pytest.mark.parametrize("use", [fetch, verify])
def test_wrong_bytes_in_a_mirror_are_refused_and_left_alone(use, server, tmp_path, monkeypatch):
    server.serve("/table.csv", CONTENT)
    mirrored = put(tmp_path / "mirror", WRONG)
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(SourceCorruptError, match="correct the mirror") as refusal:
        use("somebody/table")
    for part in (str(mirrored), SHA256, hashlib.sha256(WRONG).hexdigest()):
        assert part in str(refusal.value)
    assert mirrored.read_bytes() == WRONG
    assert not server.requests


def test_wrong_bytes_in_the_cache_are_replaced(server, cache_folder):
    server.serve("/table.csv", CONTENT)
    put(cache_folder, WRONG)
    assert fetch("somebody/table").read_bytes() == CONTENT


def test_wrong_bytes_in_the_cache_go_even_when_the_network_is_down(server, cache_folder):
    put(cache_folder, WRONG)
    server.close()
    with pytest.raises(SourceUnavailable):
        fetch("somebody/table")
    assert files_below(cache_folder) == []


@pytest.mark.usefixtures("server")
def test_a_file_without_address_says_so_and_how_to_go_on():
    with pytest.raises(SourceUnavailable, match=r"no public address.*ZSNAS_DATA_MIRROR.*falls back"):
        fetch("images/secret")


def test_verify_never_downloads(server):
    server.serve("/table.csv", CONTENT)
    with pytest.raises(SourceUnavailable, match="no local copy of 'somebody/table'"):
        verify("somebody/table")
    assert not server.requests


def test_verify_checks_the_cache(cache_folder):
    path = put(cache_folder, CONTENT)
    assert verify("somebody/table") == path
    path.write_bytes(WRONG)
    with pytest.raises(SourceCorruptError, match="'zsnas data fetch somebody/table' replaces it"):
        verify("somebody/table")
    assert path.read_bytes() == WRONG


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False), (None, False)])
def test_a_download_shows_progress_when_asked_to(progress, shown, server, capfd):
    server.serve("/table.csv", CONTENT)
    fetch("somebody/table", progress=progress)
    output, errors = capfd.readouterr()
    assert ("100%" in errors) == shown
    assert output == ""


def test_cite_gives_citation_licence_and_address(server):
    assert cite("somebody/table") == f"S. Body, 2020. Licence: MIT. {server.url}/table.csv"
    assert cite("images/secret") == "Nobody, 2021. Licence: none. No public address."


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(
        ValueError,
        match="unknown source 'freerea/cifar10/accuracy'; did you mean 'freerea/cifar10/accuracies'",
    ):
        source("freerea/cifar10/accuracy")


def test_sources_are_listed_by_wildcard():
    assert list_sources("freerea/cifar10/*") == ["freerea/cifar10/accuracies", "freerea/cifar10/params"]
    assert {"images/cifar10", "lightonai/nb201/architectures"} < set(list_sources())


@pytest.mark.parametrize("name", list_sources())
def test_every_entry_is_complete(name):
    entry = source(name)
    assert len(bytes.fromhex(entry.sha256)) == 32
    assert 0 < entry.bytes < 20_000_000
    assert entry.licence
    assert entry.citation
    if entry.url is None:
        assert entry.path.startswith("images/")
    else:
        _, owner, repository, commit, *path = entry.path.split("/")
        assert entry.url.startswith(f"https://raw.githubusercontent.com/{owner}/{repository}/{commit}")
        assert entry.url.endswith("/".join(path))


def test_no_two_entries_are_the_same_file():
    paths = [source(name).path for name in list_sources()]
    assert len(set(paths)) == len(paths)


@pytest.mark.mirror
def test_every_file_of_the_mirror_has_the_registered_bytes():
    for name in list_sources():
        assert fetch(name).stat().st_size == source(name).bytes


@pytest.mark.mirror
def test_the_mirror_lists_every_registered_file_that_has_an_address():
    """It may list more: the mirror is gathered before the project reads it."""
    with (Path(sources._mirror()) / "sources.csv").open(newline="") as file:
        listed = {
            (row["file"], row["url"], row["sha256"], int(row["bytes"]), row["licence"])
            for row in csv.DictReader(file)
        }
    entries = [source(name) for name in list_sources()]
    assert {(e.path, e.url, e.sha256, e.bytes, e.licence) for e in entries if e.url} - listed == set()
