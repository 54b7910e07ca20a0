"""Fetching a corpus, from a server on this machine."""

import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from litmore.cli import main
from litmore.corpus.download import fetch
from litmore.data import NamesDataModule
from litmore.errors import InputError

CONTENT = b"emma\nolivia\nava\nisabella\nsophia\n" * 10
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("LITMORE_CACHE", str(folder))
    monkeypatch.setenv("LITMORE_LOOPBACK_HTTP", "1")
    return folder


@pytest.fixture
def server():
    """A real one: its URL, and how often it was asked."""

    class Handler(BaseHTTPRequestHandler):
        asked = 0

        def do_GET(self):
            Handler.asked += 1
            if "moved" in self.path:
                self.send_response(302)
                self.send_header("Location", "http://example.invalid/names.txt")
                self.end_headers()
                return
            self.send_response(404 if "missing" in self.path else 200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[: 20 if "cut" in self.path else None])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        running.url = f"http://127.0.0.1:{running.server_port}/names.txt"
        running.handler = Handler
        yield running
        running.shutdown()
        thread.join()


def test_fetches_once_and_keeps_it(server, cache):
    path = fetch(server.url, SHA256)
    assert path.read_bytes() == CONTENT
    assert path.parent == cache
    assert fetch(server.url, SHA256) == path
    assert server.handler.asked == 1


def test_fetches_again_what_was_damaged(server):
    fetch(server.url, SHA256).write_bytes(b"damaged")
    assert fetch(server.url, SHA256).read_bytes() == CONTENT


def test_a_data_module_reads_what_was_fetched(server):
    data = NamesDataModule(url=server.url, sha256=SHA256, max_words=7)
    assert list(data.corpus) == ["emma", "olivia", "ava", "isabella", "sophia", "emma", "olivia"]
    assert NamesDataModule(**data.hparams).path == data.path


def test_a_path_wins_over_the_url_and_is_held_to_the_hash(tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_bytes(CONTENT)
    url = "https://example.invalid/x"
    assert len(NamesDataModule(str(mine), url=url, sha256=SHA256).corpus) == 50
    mine.write_text("anna\n")
    with pytest.raises(InputError, match=f"--data.sha256 {SHA256}: .*mine.txt is another content"):
        _ = NamesDataModule(str(mine), url=url, sha256=SHA256).corpus
    taken = NamesDataModule(str(mine), url=url, sha256=None)
    assert list(taken.corpus) == ["anna"]
    assert taken.settings()["sha256"] == hashlib.sha256(b"anna\n").hexdigest()


@pytest.mark.parametrize(
    ("page", "sha256", "named"),
    [
        ("names.txt", "0" * 64, f"its SHA-256 is {SHA256}"),
        ("moved.txt", SHA256, "only https"),
        ("missing.txt", SHA256, "404"),
        ("cut.txt", SHA256, "not fetched"),
        ("names.txt", "abc", "--data.sha256 abc"),
        ("names.txt", SHA256.upper(), "--data.sha256"),
    ],
)
def test_what_is_not_the_content_is_refused_and_not_kept(server, cache, page, sha256, named):
    with pytest.raises(InputError, match=named) as error:
        fetch(server.url.replace("names.txt", page), sha256)
    assert "\n" not in str(error.value)
    assert not cache.exists() or list(cache.iterdir()) == []


def test_what_is_too_large_is_not_fetched(server, cache, monkeypatch):
    monkeypatch.setattr("litmore.corpus.download.MAX_BYTES", len(CONTENT) - 1)
    with pytest.raises(InputError, match="larger than"):
        fetch(server.url, SHA256)
    assert list(cache.iterdir()) == []


def test_http_from_this_machine_is_asked_for_by_hand(server, monkeypatch):
    monkeypatch.delenv("LITMORE_LOOPBACK_HTTP")
    with pytest.raises(InputError, match="only https"):
        fetch(server.url, SHA256)
    assert server.handler.asked == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://example.invalid/a", "ftp://x/a", "file:///etc/hosts", "a", "https://", "https://[",
        "file://localhost/etc/hosts", "ftp://127.0.0.1/a",
    ],
)  # fmt: skip
def test_only_https_is_fetched_from_elsewhere(url):
    with pytest.raises(InputError, match=r"only https|no URL"):
        fetch(url, SHA256)


def test_without_a_server_the_command_says_what_to_pass_instead(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    args = ["--model", "MLP", "--data.url", f"http://127.0.0.1:{port}/x", "--data.sha256", SHA256]
    assert main(["fit", *args]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.count("\n") == 1
    assert "--data.path FILE" in streams.err
    assert list(tmp_path.glob("logs")) == []


def test_the_lectures_file_is_the_pinned_one(makemore_names):
    raw = makemore_names.read_bytes()
    assert len(raw) == 228_145
    assert raw.startswith(b"emma\nolivia\nava\nisabella\nsophia\n")
