"""What would be the bottleneck of a thousand trials, of 64 nodes, of a corpus of 10¹¹ characters?

The parts that grow with them, measured on this machine: a sweep's journal by its trials and by the
workers that write to it, a save by the parameters, a token cache by the characters, what processes
tell each other by their number. docs/scale.md says what follows.
"""

import multiprocessing
import os
import socket
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import optuna
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from litmore.corpus.mapped import MappedCorpus
from litmore.corpus.source import NAMES
from litmore.runs.atomic import AtomicCheckpointIO
from litmore.runs.rng import rng_state
from stopwatch import scratch

VALIDATIONS = 10
"""Of a trial, each of which is reported."""

optuna.logging.set_verbosity(optuna.logging.ERROR)
processes = multiprocessing.get_context("fork")


def seconds_of(do: Callable[..., object], *args: object) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    do(*args)
    return time.perf_counter() - began


def study_in(path: Path) -> optuna.Study:
    """The study of a journal."""
    return optuna.create_study(
        study_name="study",
        storage=JournalStorage(JournalFileBackend(str(path))),
        sampler=optuna.samplers.RandomSampler(),
        load_if_exists=True,
    )


def trials(path: Path, number: int) -> list[float]:
    """Do what a sweep's trial does to its storage, so many times; seconds of each call."""
    study = study_in(path)
    calls: list[float] = []
    for _ in range(number):
        began = time.perf_counter()
        trial = study.ask()
        for name in ("lr", "weight_decay", "hidden_dim", "embedding_dim"):
            trial.suggest_float(name, 0, 1)
        for attribute in ("alive", "runs", "command", "seeds"):
            trial.set_user_attr(attribute, [os.getpid(), time.time()])
        calls.append((time.perf_counter() - began) / 9)
        for step in range(VALIDATIONS):
            calls.append(seconds_of(trial.report, 0.5, step))
            calls.append(seconds_of(trial.set_user_attr, "alive", [0, time.time()]))
        calls.append(seconds_of(study.tell, trial, 0.5))
    return calls


def journal(quick: bool) -> None:
    """By its trials, with one worker; then by the workers that write to it."""
    with scratch() as folder:
        path = folder / "study.log"
        done = 0
        for number in (10, 20) if quick else (10, 100, 1000):
            writing = seconds_of(trials, path, number - done)
            one = writing / (number - done)
            done = number
            reading = seconds_of(lambda: study_in(path).get_trials(deepcopy=False))
            size = path.stat().st_size
            print(f"journal of {number:,} trials: {size / 1e6:.2f} MB, {1e3 * one:.1f} ms of"
                  f" writing a trial, {reading:.2f} s to open")  # fmt: skip
    for workers in (1, 2) if quick else (1, 2, 4, 8, 16, 32, 64, 100):
        with scratch() as folder:
            path = folder / "study.log"
            trials(path, 1)
            calls = together(workers, lambda _, path=path: trials(path, 2))
            of = sorted(second for part in calls for second in part)
            rate = len(of) / max(map(sum, calls))
            median, slowest = 1e3 * statistics.median(of), 1e3 * of[int(0.99 * len(of))]
            print(f"{workers:,} workers without a pause: {rate:,.0f} calls a second, one takes"
                  f" {median:.1f} ms, the slowest hundredth {slowest:.0f} ms")  # fmt: skip


def together(number: int, do: Callable[[int], object]) -> list:
    """What so many processes give back, who begin at once."""
    barrier, answers = processes.Barrier(number), processes.Queue()

    def run(rank: int) -> None:
        barrier.wait()
        answers.put(do(rank))

    started = [processes.Process(target=run, args=(rank,)) for rank in range(number)]
    for process in started:
        process.start()
    given = [answers.get() for _ in started]
    for process in started:
        process.join()
    return given


def save(quick: bool) -> None:
    """By the parameters."""
    for parameters in (10**5, 10**6) if quick else (10**5, 10**6, 10**7, 10**8):
        weights = torch.randn(parameters)
        moments = {"m": weights.clone(), "v": weights.clone()}
        state = {"state_dict": {"w": weights}, "optimizer": moments}
        with scratch() as folder:
            path = folder / "last.ckpt"
            write = AtomicCheckpointIO().save_checkpoint
            times = [seconds_of(write, state, path) for _ in range(3)]
            size = path.stat().st_size
        took = statistics.median(times)
        print(f"a save of {parameters:,} parameters with AdamW: {size / 1e6:,.1f} MB,"
              f" {took:.3f} s, {size / took / 1e6:,.0f} MB a second")  # fmt: skip


def cache(quick: bool) -> None:
    """By the characters."""
    torch.set_num_threads(1)  # on a busy machine, several wait for each other
    for copies in (3,) if quick else (30, 300):
        with scratch() as folder:
            path = folder / "names.txt"
            path.write_bytes(NAMES.read_bytes() * copies)
            size = path.stat().st_size
            os.environ["LITMORE_CACHE"] = str(folder / "cache")
            reading = seconds_of(MappedCorpus.read, path)
            shuffling = seconds_of(MappedCorpus.read(path).shuffled, 42)
            kept = sum(file.stat().st_size for file in folder.glob("cache/**/*") if file.is_file())
        print(f"a cache of {size / 1e6:,.0f} MB: tokens {reading:.1f} s"
              f" ({size / reading / 1e6:.1f} MB a second), shuffled {shuffling:.1f} s"
              f" ({size / shuffling / 1e6:.1f}), {kept / size:.2f} bytes a byte")  # fmt: skip


def gather(quick: bool) -> None:
    """By the processes."""
    for number in (2, 4) if quick else (2, 4, 8, 16, 32, 64):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        found = together(number, lambda rank, n=number, port=port: of_rank(rank, n, port))[0]
        meeting, gathering, agreeing = (1e3 * seconds for seconds in found)
        print(f"{number} processes on {os.cpu_count()} cores: {meeting:,.0f} ms to connect,"
              f" {gathering:.1f} ms to gather the generators, {agreeing:.2f} ms to agree on a"
              " signal")  # fmt: skip


def of_rank(rank: int, number: int, port: int) -> tuple[float, float, float]:
    """Seconds to connect; of a gathering of the generators and of a look for signals, medians."""
    torch.set_num_threads(1)
    where = f"tcp://127.0.0.1:{port}"
    connect = torch.distributed.init_process_group
    meeting = seconds_of(connect, "gloo", where, timedelta(minutes=5), number, rank)
    everyone = [None] * number
    signal = torch.zeros(2)
    rounds = [
        (
            seconds_of(torch.distributed.all_gather_object, everyone, rng_state()),
            seconds_of(torch.distributed.all_reduce, signal),
        )
        for _ in range(10)
    ]
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
    return meeting, *(statistics.median(each) for each in zip(*rounds, strict=True))


PARTS = {"journal": journal, "save": save, "cache": cache, "gather": gather}

if __name__ == "__main__":
    quick = "--quick" in sys.argv
    for part in [each for each in sys.argv[1:] if each in PARTS] or PARTS:
        PARTS[part](quick)
