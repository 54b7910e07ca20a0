"""A corpus from the web: fetched once, pinned by its hash, kept in a cache."""

import hashlib
import os
import re
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from litmore.errors import InputError, one_line
from litmore.files import here, written_whole
from litmore.progress import progress

CACHE_VARIABLE = "LITMORE_CACHE"
"""The environment variable that moves the cache."""

HTTP_VARIABLE = "LITMORE_LOOPBACK_HTTP"
"""The environment variable that, set to 1, lets http be fetched from this machine itself."""

MAX_BYTES = 1 << 30
"""A larger file is not fetched."""

_SILENCE = 30.0
"""Seconds without a byte after which a server counts as gone."""

_PIECE = 1 << 16


def cache_folder() -> Path:
    """`$LITMORE_CACHE`, or `litmore` in the user's cache folder.

    Raises:
        InputError: the variable names none.

    """
    if moved := os.environ.get(CACHE_VARIABLE):
        return here(CACHE_VARIABLE, moved)
    from platformdirs import user_cache_path

    return here("XDG_CACHE_HOME", str(user_cache_path("litmore", appauthor=False)))


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

    Raises:
        InputError: the URL or the hash cannot be used, there is no such content, it is another, or
            larger than `MAX_BYTES`.

    """
    _check_url(url)
    check_sha256(sha256)
    path = _place(url, sha256)
    try:
        if found := cached(url, sha256):
            return found
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as file:
            _download(url, sha256, file)
    except InputError:
        raise
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, HTTPError):
            error.close()
        raise InputError(
            f"--data.url {url}: not fetched ({one_line(error)}); pass a copy of it as"
            " --data.path FILE"
        ) from None
    return path


def check_sha256(sha256: str) -> None:
    """Refuse what is none."""
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise InputError(f"--data.sha256 {sha256}: give the content's SHA-256 as 64 hex digits")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        here = parts.hostname in ("127.0.0.1", "localhost", "::1")
    except ValueError:
        raise InputError(f"--data.url {url}: no URL") from None
    allowed = here and os.environ.get(HTTP_VARIABLE) == "1"
    if not (parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and allowed))):
        raise InputError(f"--data.url {url}: only https is fetched")


class _CheckedRedirects(HTTPRedirectHandler):
    """Follow no redirection to where `fetch` would not have gone."""

    def redirect_request(self, req: Request, fp: Any, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        try:
            _check_url(newurl)
        except InputError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str, sha256: str, file: IO[bytes]) -> None:
    digest = hashlib.sha256()
    with build_opener(_CheckedRedirects).open(url, timeout=_SILENCE) as response:
        total = int(response.headers.get("Content-Length") or 0)
        with progress(f"fetching {Path(urlsplit(url).path).name}", total, "B") as bar:
            size = 0
            while piece := response.read(_PIECE):
                size += len(piece)
                if size > MAX_BYTES:
                    raise ValueError(f"larger than {MAX_BYTES:,} bytes")
                digest.update(piece)
                file.write(piece)
                bar.update(len(piece))
    if digest.hexdigest() != sha256:
        raise ValueError(f"its SHA-256 is {digest.hexdigest()}")
