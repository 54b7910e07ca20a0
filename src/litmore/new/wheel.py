"""The wheel of the litmore that runs: packed of the files that it runs from.

No build tool is asked and nothing is fetched, be it a clone (an editable install) or a wheel that
was installed: its files are a wheel's, and so is its metadata. The same files make the same bytes.
"""

import base64
import csv
import hashlib
import io
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import litmore
from litmore.errors import InputError
from litmore.program import CHECKOUT

_OF_INSTALLER = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
"""What an installer adds to the metadata, and what is written anew."""


def wheel() -> tuple[str, bytes]:
    """Its file's name and content.

    Raises:
        InputError: litmore was installed without metadata, or the clone is not what was installed.

    """
    try:
        installed = distribution("litmore")
    except PackageNotFoundError:
        raise InputError("new: litmore is not installed here; name its wheel by --wheel") from None
    if installed.version != litmore.__version__:
        raise InputError(
            f"new: litmore {litmore.__version__} runs, and {installed.version} is installed:"
            " install it again (pip install --editable .), or name its wheel by --wheel"
        )
    info = f"litmore-{installed.version}.dist-info"
    files = _code() | {f"{info}/{name}": text for name, text in _metadata(installed).items()}
    return f"litmore-{installed.version}-py3-none-any.whl", _packed(files, f"{info}/RECORD")


def _code() -> dict[str, bytes]:
    """All of the package, and the configs, which lie elsewhere in a clone."""
    package = Path(litmore.__file__).parent
    found = {f"litmore/{path.relative_to(package).as_posix()}": path for path in _files(package)}
    if CHECKOUT is not None:
        configs = [path for path in _files(CHECKOUT / "configs") if path.suffix == ".yaml"]
        found |= {f"litmore/{path.relative_to(CHECKOUT).as_posix()}": path for path in configs}
    return {name: path.read_bytes() for name, path in found.items()}


def _files(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
    ]


def _metadata(installed: Distribution) -> dict[str, bytes]:
    """By the names below `.dist-info/`."""
    found = {}
    for file in installed.files or []:
        inner = file.as_posix().partition(".dist-info/")[2]
        if inner and inner not in _OF_INSTALLER:
            found[inner] = Path(str(file.locate())).read_bytes()
    if not {"METADATA", "WHEEL"} <= found.keys():
        raise InputError("new: litmore was installed without a RECORD; name its wheel by --wheel")
    return found


def _packed(files: dict[str, bytes], record: str) -> bytes:
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    for name in sorted(files):
        digest = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=")
        writer.writerow((name, f"sha256={digest.decode()}", len(files[name])))
    writer.writerow((record, "", ""))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [*sorted(files.items()), (record, rows.getvalue().encode())]:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # whenever it is packed
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def read_wheel(path: Path, flag: str) -> tuple[str, bytes]:
    """A file's name and content, if it is a wheel of litmore's.

    Args:
        path: the file.
        flag: what named it.

    Raises:
        InputError: it is none.

    """
    try:
        content = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except OSError as error:
        raise InputError(f"{flag} {path}: {error.strerror}") from None
    except zipfile.BadZipFile:
        raise InputError(f"{flag} {path}: not a wheel") from None
    if not path.name.startswith("litmore-") or path.suffix != ".whl":
        raise InputError(f"{flag} {path}: not called litmore-VERSION-….whl, as its wheels are")
    if "litmore/__init__.py" not in names:
        raise InputError(f"{flag} {path}: no wheel of litmore's")
    return path.name, content


def pinned(name: str, content: bytes) -> str:
    """What pip's `--require-hashes` reads: from the project's folder, this file and no other."""
    return f"./vendor/{name} --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
