"""That all processes of a run mean the same, said before any of them begins."""

import socket
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch
from lightning.pytorch import LightningDataModule, LightningModule

from litmore.errors import InputError
from litmore.runs.record import versions

OWN = (  # where a process finds what it reads, and how it goes about it
    "num_threads",
    "trainer.default_root_dir",
    "trainer.devices",  # which of its own; how many there are in all, Lightning checks
)
"""Settings that may be each process's own."""

OF_A_CORPUS = ("path", "url", "sha256", "vocabulary", "memory_map")
"""Settings of data that are known by their content: the hash of the file, and the vocabulary."""

COMMIT = "litmore's git commit"

SHOWN = 64
"""Characters of a value that are shown."""

_UNSET = "unset"


class DisagreementError(InputError):
    """Two processes mean something else. All of them raise it; the first is to say it for all."""


def terms(
    config: Mapping[str, Any],
    model: LightningModule,
    data: LightningDataModule,
    checkpoint: Path | None,
) -> dict[str, Any]:
    """What must be the same on all processes, by the names that a user knows it by.

    Args:
        config: every setting, as a run records it.
        model: its parameters' names and shapes are among it.
        data: the corpus's hash and vocabulary are, or where there are none, its settings.
        checkpoint: what the run goes on from, or judges.

    """
    known = versions()
    own = {name: known[name] for name in ("litmore", "torch", "lightning")}
    own["Python"] = ".".join(str(known["python"]).split(".")[:2])
    if known["git_commit"] is not None:  # not every node has git
        own[COMMIT] = known["git_commit"]
    settings = dict(_flat(config))
    if sha256 := settings.get("data.sha256"):
        settings = {k: v for k, v in settings.items() if k not in _CORPUS}
        own["--data.sha256"] = sha256
        own["--data.vocabulary"] = str(getattr(data, "vocabulary", ""))
    if settings.pop("data.predict_path", None) is not None and hasattr(data, "predict_words"):
        own["--data.predict_path"] = f"content {_crc(data.predict_words)}"
    for name in ("ckpt_path", "init_from"):
        path = checkpoint if name == "ckpt_path" else settings.pop(name, None)
        own[f"--{name}"] = None if path is None else _content(Path(path))
    own |= {f"--{key}": value for key, value in settings.items() if key not in OWN}
    shapes = [(name, tuple(weight.shape)) for name, weight in model.named_parameters()]
    own["the model"] = f"{len(shapes)} parameter tensors, names and shapes {_crc(shapes)}"
    return own


def agree(own: Mapping[str, Any]) -> None:
    """Compare what each process means with what the first does. A collective call.

    Raises:
        DisagreementError: the first one that differs, and in what.

    """
    (first_node, first), *others = gathered((socket.gethostname(), own))
    for rank, (node, other) in enumerate(others, start=1):
        known = {**first, **other}
        if COMMIT not in first or COMMIT not in other:
            known.pop(COMMIT, None)
        differing = [k for k in known if first.get(k, _UNSET) != other.get(k, _UNSET)]
        if differing:
            name, *more = differing
            here, there = _apart(other.get(name, _UNSET), first.get(name, _UNSET))
            also = f" ({len(more)} more differ)" if more else ""
            raise DisagreementError(
                f"{name}: {here} on {node} (rank {rank}), {there} on {first_node} (rank 0){also};"
                " all processes of a run need the same"
            )


def gathered(own: Any) -> list[Any]:
    """What each process has, in their order. A collective call, where there are several."""
    if not torch.distributed.is_initialized():
        return [own]
    everyone: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(everyone, own)
    return everyone


_CORPUS = {f"data.{name}" for name in OF_A_CORPUS}


def _flat(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Settings as flags name them: a class by itself, its arguments below it."""
    for key, value in settings.items():
        name = {"init_args": above, "class_path": above}.get(key) or f"{above}.{key}".lstrip(".")
        if isinstance(value, Mapping) and value:
            yield from _flat(value, name)
        else:
            yield name, value


def _content(path: Path) -> str:
    """A checkpoint by the checksums that its archive holds: it need not be read."""
    try:
        with ZipFile(path) as archive:
            return f"content {_crc([(part.file_size, part.CRC) for part in archive.infolist()])}"
    except (BadZipFile, OSError):
        return f"{path.stat().st_size} bytes"


def _crc(of: object) -> str:
    return f"{zlib.crc32(repr(of).encode('utf-8', 'surrogateescape')):08x}"


def _apart(*values: Any) -> list[str]:
    """Two values as text, short, and cut where they differ."""
    one, other = texts = [" ".join(str(value).split()) or "''" for value in values]
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    first = max(0, same - SHOWN // 2) if max(map(len, texts)) > SHOWN else 0
    return [
        f"{'…' if first else ''}{text[first : first + SHOWN]}"
        f"{'…' if len(text) > first + SHOWN else ''}"
        for text in texts
    ]
