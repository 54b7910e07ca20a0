"""A study in its storage: what it was begun as, and its trials."""

import os
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import optuna
from grpc import RpcError  # type: ignore[import-untyped]
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, GrpcStorageProxy, JournalStorage, RDBStorage
from optuna.storages.journal import (
    JournalFileBackend,
    JournalFileOpenLock,
    JournalFileSymlinkLock,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from litmore.errors import InputError
from litmore.system import may_link

JOURNAL = "journal:"
"""What the name of a journal's file follows in `--storage`."""

PROXY = "grpc://"
"""What the address of Optuna's gRPC proxy follows in `--storage`."""

_PROXY_WAIT = 10.0
"""Seconds in which a proxy that is there has answered."""

UNREACHABLE = (StorageInternalError, OperationalError, InterfaceError, OSError, RpcError)
"""What a storage raises that cannot be reached just now."""

TRIES = 5
"""How often a database is tried that others may be setting up."""

_DEFINITION = "definition"

_FIRST = b'{"op_code"'
"""What a journal begins with."""


@dataclass(frozen=True)
class Definition:
    """What a study's trials are; who joins or goes on must mean the same.

    Attributes:
        command: `fit`'s command line, without what a trial sets.
        configs: the SHA-256 of each config file in it.
        space: what is searched.
        seeds: of each trial's runs; none: its config's alone.
        monitor: the metric that a trial's value is the best of.
        mode: which is better, `min` or `max`.

    """

    command: Sequence[str]
    configs: Mapping[str, str]
    space: Mapping[str, Any]
    seeds: Sequence[int]
    monitor: str
    mode: str

    @property
    def better(self) -> Any:
        """`min` or `max`, as the mode says."""
        return max if self.mode == "max" else min

    def differs(self, other: Mapping[str, Any]) -> list[str]:
        """The names of what is not the same in a recorded one."""
        return [key for key, value in asdict(self).items() if value != other.get(key)]


def open_study(
    name: str,
    url: str,
    *,
    sampler: BaseSampler,
    pruner: BasePruner,
    definition: Definition,
) -> optuna.Study:
    """The study of a name; one that is not there yet is made.

    Args:
        name: the study's.
        url: `journal:FILE`, a database's, or a proxy's, `grpc://HOST:PORT`.
        sampler: what its trials' settings are chosen by.
        pruner: what ends a trial early.
        definition: what its trials are.

    Raises:
        InputError: the storage cannot be reached, or the study was begun as something else.

    """
    shown = shown_url(url)
    try:
        study = optuna.create_study(
            study_name=name,
            storage=_begun(url),
            sampler=sampler,
            pruner=pruner,
            direction="maximize" if definition.mode == "max" else "minimize",
            load_if_exists=True,
        )
        known = study.user_attrs.get(_DEFINITION)
        if known is None and not study.get_trials(deepcopy=False):
            study.set_user_attr(_DEFINITION, asdict(definition))
            known = asdict(definition)
    except (*UNREACHABLE, SQLAlchemyError, ImportError, ValueError) as error:
        reason = " ".join(str(error.__cause__ or error).split("\n")[0].split())
        raise InputError(f"--storage {shown}: {reason}") from error
    if known is None:
        raise InputError(f"--study {name}: the storage has one of that name that is no sweep's")
    if changed := definition.differs(known):
        raise InputError(
            f"--study {name}: was begun with another {' and '.join(changed)};"
            " --study with a new name begins another"
        )
    return study


def join_study(name: str, url: str, pruner: BasePruner) -> optuna.Study:
    """The study of a trial that is there already.

    Raises:
        UNREACHABLE: the storage cannot be reached just now.

    """
    return optuna.load_study(study_name=name, storage=_storage(url), pruner=pruner)


def frozen(study: optuna.Study, number: int) -> optuna.trial.FrozenTrial:
    """A trial as it stands in the storage."""
    return study.get_trials(deepcopy=False)[number]


def reopened(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> optuna.Trial:
    """A trial that runs, to be told of again: Optuna has no public name for that."""
    return optuna.Trial(study, trial._trial_id)


def shown_url(url: str) -> str:
    """A storage's URL, to be read: without its password."""
    try:
        return url if url.startswith(JOURNAL) else make_url(url).render_as_string()
    except ArgumentError:
        return url


def _begun(url: str) -> BaseStorage:
    """The storage; where two make its tables at once, one of them has to look again."""
    for _ in range(TRIES):
        with suppress(IntegrityError, ProgrammingError, OperationalError):
            return _storage(url)
        time.sleep(0.3)
    return _storage(url)


def _storage(url: str) -> BaseStorage:
    if url.startswith(JOURNAL):
        path = Path(url.removeprefix(JOURNAL)).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        _check_journal(path)
        _mend(path)
        return JournalStorage(JournalFileBackend(str(path), _journal_lock(path)))
    if url.startswith(PROXY):
        return _proxy(url)
    try:
        make_url(url)
    except ArgumentError:
        raise ValueError("give journal:FILE, sqlite:///FILE or another database's URL") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return RDBStorage(url, engine_kwargs={"pool_pre_ping": True})


def _proxy(url: str) -> BaseStorage:
    where = urlsplit(url)
    if where.hostname is None or where.port is None:
        raise ValueError("give grpc://HOST:PORT")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        storage = GrpcStorageProxy(host=where.hostname, port=where.port)
    storage.wait_server_ready(timeout=_PROXY_WAIT)
    return storage


def _journal_lock(path: Path) -> JournalFileSymlinkLock | JournalFileOpenLock:
    """Each keeps the other out; on Windows not everybody may make links."""
    kind = JournalFileSymlinkLock if may_link() else JournalFileOpenLock
    return kind(str(path))


def _check_journal(path: Path) -> None:
    """Anything else is not to be written to, and least of all to be mended."""
    if not path.exists():
        return
    with path.open("rb") as file:
        start = file.read(len(_FIRST))
    if start != _FIRST[: len(start)]:
        raise ValueError("no journal of Optuna's; give it a file of its own")


def _mend(path: Path) -> None:
    """Take away the half line that a full disk or a dead machine may have left at the end."""
    if _is_whole(path):
        return
    lock = _journal_lock(path)
    lock.acquire()
    try:
        if not _is_whole(path):  # it was another process's, in the middle of it
            content = path.read_bytes()
            os.truncate(path, content.rfind(b"\n") + 1)
    finally:
        lock.release()


def _is_whole(path: Path) -> bool:
    if not path.exists() or not path.stat().st_size:
        return True
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"
