"""A corpus from the web: fetched once, pinned by its hash, kept in a cache."""

import hashlib
import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from torch.hub import download_url_to_file

from litmore.errors import InputError

CACHE_VARIABLE = "LITMORE_CACHE"
"""The environment variable that moves the cache."""

_SILENCE = 30.0
"""Seconds without a byte after which a server counts as gone."""


def cache_folder() -> Path:
    """`$LITMORE_CACHE`, or `litmore` in the user's cache folder."""
    if moved := os.environ.get(CACHE_VARIABLE):
        return Path(moved).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "litmore"


def cached(url: str, sha256: str) -> Path | None:
    """The file of that hash if it was fetched before."""
    path = _place(url, sha256)
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
        return path
    return None


def _place(url: str, sha256: str) -> Path:
    return cache_folder() / f"{sha256[:16]}-{Path(urlsplit(url).path).name}"


def fetch(url: str, sha256: str) -> Path:
    """The file of that hash: from the cache, else from the URL.

    Args:
        url: https, or http on this machine.
        sha256: of the content, 64 hexadecimal digits.

    Raises:
        InputError: the URL or the hash cannot be used, there is no such content, or it is another.

    """
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise InputError(f"--data.url {url}: only https is fetched")
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise InputError(f"--data.sha256 {sha256}: give the content's SHA-256 as 64 hex digits")
    if found := cached(url, sha256):
        return found
    path = _place(url, sha256)
    silence = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SILENCE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # It checks the hash before it moves the file into place.
        download_url_to_file(url, str(path), sha256, progress=sys.stderr.isatty())
    except (OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"--data.url {url}: not fetched ({reason}); pass a copy of it as --data.path FILE"
        ) from None
    finally:
        socket.setdefaulttimeout(silence)
    return path
