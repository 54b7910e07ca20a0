"""That all processes of a run mean the same, said before any of them begins."""

import json
import logging
import math
import os
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from socket import gethostname
from threading import Thread
from typing import Any, TypeVar
from zipfile import BadZipFile, ZipFile

import torch
from lightning.fabric.plugins import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch import LightningDataModule, LightningModule
from torch.distributed import DistError, TCPStore  # type: ignore[attr-defined]
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from litmore.errors import InputError, RunError, one_line
from litmore.runs.record import versions
from litmore.training.rendezvous import fresh_store, has_agents_store

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

T = TypeVar("T")

log = logging.getLogger(__name__)

_UNSET = "unset"


WAIT = timedelta(minutes=30)
"""For how long the others may take to start, as torch has it."""

PATIENCE = timedelta(seconds=20)
"""After how long of it a process says that it waits."""

HURRY = timedelta(minutes=1)
"""For how long a process that has refused waits to say so."""


class DisagreementError(InputError):
    """Two processes mean something else. Each one raises it; the first is to say it for all."""


def terms(
    settings: Mapping[str, Any],
    model: LightningModule,
    data: LightningDataModule,
    checkpoint: Path | None,
) -> dict[str, Any]:
    """What must be the same on all processes, by the names that a user knows it by.

    Args:
        settings: all, as a run records them, by dotted keys.
        model: its parameters' names and shapes are among it.
        data: the corpus's hash and vocabulary are, or where there are none, its settings.
        checkpoint: what the run goes on from, or judges.

    """
    known = versions()
    own = {name: known[name] for name in ("litmore", "torch", "lightning")}
    own["Python"] = ".".join(str(known["python"]).split(".")[:2])
    if known["git_commit"] is not None:  # not every node has git
        own[COMMIT] = known["git_commit"]
    settings = dict(settings)
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


def agree(own: Mapping[str, Any], environment: ClusterEnvironment, wait: timedelta = WAIT) -> Store:
    """Compare what each process means with what the first does. A collective call.

    It comes before the processes are connected, so that one which has refused can say so.

    Args:
        own: by the names that a user knows it by.
        environment: of the processes.
        wait: for how long the others may take to start.

    Returns:
        What must be held until they are connected: the first process serves it to the others.

    Raises:
        DisagreementError: the first that refused, or differs, and in what.
        RunError: the others did not come.

    """
    mine = {name: str(value) for name, value in own.items()}
    at = f"{environment.main_address}:{environment.main_port}"
    number, size = environment.global_rank() + 1, environment.world_size()
    waits = f"process {number} of {size} waits for the others at {at}"
    if isinstance(environment, LightningEnvironment) and environment.creates_processes_externally:
        waits += "; LOCAL_RANK says that something else starts them: `unset` it, if nothing does"
    try:
        store, said = _listening(partial(_meet, environment, wait, mine), waits)
    except DistError as error:
        raise RunError(f"the other processes are not found at {at}: {one_line(error)}") from None
    if said:
        raise DisagreementError(said)
    return store


def _meet(
    environment: ClusterEnvironment, wait: timedelta, mine: Mapping[str, str]
) -> tuple[Store, str]:
    store = _store(environment, wait)
    return store, _exchanged(store, environment, {"node": gethostname(), "means": mine})


def _listening(do: Callable[[], T], waits: str) -> T:
    """Do what waits in torch, where no signal is heard, in a thread of its own; say if it does."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(do())
        except BaseException as error:
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    told_at = time.monotonic() + PATIENCE.total_seconds()
    while not done.done():
        with suppress(TimeoutError):
            done.result(timeout=0.05)
        if time.monotonic() > told_at:
            told_at = math.inf
            log.warning(waits)
    return done.result()


def refuse(why: str) -> None:
    """Tell the processes that were started beside this one, and wait for it, that it has refused.

    Nothing is done where they are not known, or are no longer waiting.
    """
    environment = None
    with suppress(RuntimeError, ValueError, KeyError):  # their variables say what cannot be
        environment = next((kind() for kind in _STARTED_BY if kind.detect()), None)
    if environment is None or environment.world_size() == 1 or torch.distributed.is_initialized():
        return
    if isinstance(environment, SLURMEnvironment) and "SLURM_STEP_ID" not in os.environ:
        return  # a job of several tasks, of which srun has started none
    with suppress(DistError, RunError, RuntimeError, ValueError, KeyError):
        _exchanged(_store(environment, HURRY), environment, {"node": gethostname(), "refuses": why})


_STARTED_BY = (TorchElasticEnvironment, SLURMEnvironment)

_calls = count()


def _store(environment: ClusterEnvironment, wait: timedelta) -> Store:
    """Where the processes meet, as torch itself does it."""
    os.environ["MASTER_ADDR"] = environment.main_address
    os.environ["MASTER_PORT"] = str(environment.main_port)
    rank, size = environment.global_rank(), environment.world_size()
    if has_agents_store():
        at = environment.main_address, environment.main_port
        return fresh_store(TCPStore(*at, size, is_master=False, timeout=wait), rank, size, wait)
    store, *_ = next(rendezvous("env://", rank, size, timeout=wait))
    return PrefixStore(f"litmore/{next(_calls)}", store)


def _exchanged(store: Store, environment: ClusterEnvironment, own: Mapping[str, Any]) -> str:
    """What is to be said of all that each process has said; "" if they agree."""
    rank, others = environment.global_rank(), range(1, environment.world_size())
    store.set(f"said/{rank}", json.dumps(own))
    if rank > 0:
        if "refuses" in own:  # who serves the store has it, and may still be waiting for others
            return ""
        verdict = store.get("verdict").decode()
        store.set(f"heard/{rank}", "")
        return verdict
    verdict = ""
    heard = []
    for other in others:
        theirs = json.loads(store.get(f"said/{other}"))
        heard += [] if "refuses" in theirs else [f"heard/{other}"]
        verdict = verdict or _difference(own, theirs, other)
    store.set("verdict", verdict)
    if verdict:  # it is gone with this process
        store.wait(heard)
    return verdict


def _difference(first: Mapping[str, Any], other: Mapping[str, Any], rank: int) -> str:
    """What of the first process and another is not the same, as a line; "" if nothing is."""
    if "refuses" in first or "refuses" in other:
        by, who = (first, 0) if "refuses" in first else (other, rank)
        return f"{by['refuses']} (on {by['node']}, rank {who})"
    here, there = other["means"], first["means"]
    known = {**there, **here}
    if COMMIT not in here or COMMIT not in there:
        known.pop(COMMIT, None)
    differing = [name for name in known if here.get(name, _UNSET) != there.get(name, _UNSET)]
    if not differing:
        return ""
    name, *more = differing
    one, two = _apart(here.get(name, _UNSET), there.get(name, _UNSET))
    also = f" ({len(more)} more differ)" if more else ""
    return (
        f"{name}: {one} on {other['node']} (rank {rank}), {two} on {first['node']} (rank 0){also};"
        " all processes of a run need the same"
    )


_CORPUS = {f"data.{name}" for name in OF_A_CORPUS}


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
