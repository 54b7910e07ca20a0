"""Slurm's job that this process is of, and how it gets back into the queue."""

import os
import re
import subprocess
from collections.abc import Sequence

from litmore.errors import one_line
from litmore.runs.signals import is_first_rank, stop_no_more
from litmore.system import signals

REQUEUE = "--requeue"
"""The flag that asks for it. A signal may come before any config is read."""

NO_JOB = f"{REQUEUE} has no effect: this is no job of Slurm's"

REQUEUING = signals("SIGTERM", "SIGUSR1")
"""What Slurm says that a job's time is up by; the others are people's."""

PATIENCE = 20
"""Seconds that Slurm's controller is given to answer: less than a job is given to end."""


def slurm_job() -> str | None:
    """Its number, as `scontrol` takes it: of an array, one element's."""
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}_ID") for name in ("JOB", "TASK"))
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")


def requeue(args: Sequence[str], number: int) -> None:
    """Have Slurm run this process's job once more, if it is asked to, and say what became of that.

    Args:
        args: the command line.
        number: of the signal that stopped it; whatever becomes of the job, the run is saved.

    """
    job = slurm_job()
    if REQUEUE in args and number in REQUEUING and job is not None and is_first_rank():
        stop_no_more()  # as Slurm ends what it requeues
        os.write(2, f"job {job} {_requeued(job)}\n".encode())


def _requeued(job: str) -> str:
    try:
        # One that is cancelled would run again, too.
        if not _is_to_go_on(_scontrol("show", "job", "-o", job)):
            return "is not requeued: it was cancelled, or is requeued already"
        _scontrol("requeue", job)
    except FileNotFoundError:
        return "is not requeued: there is no scontrol here"
    except subprocess.CalledProcessError as error:
        return f"is not requeued: scontrol says: {one_line(error.stderr)}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"is not requeued: {one_line(error)}"
    return "is requeued"


def _is_to_go_on(shown: str) -> bool:
    """Whether a job runs, is out of time, or was preempted in this turn; it may be ending."""
    told = dict(re.findall(r"(\w+)=(\S+)", shown))
    is_preempted = told.get("PreemptTime", "None") >= told.get("StartTime", "Unknown")
    is_preempted &= told.get("PreemptTime", "None")[0].isdecimal()
    return told.get("JobState") == "RUNNING" or told.get("Reason") == "TimeLimit" or is_preempted


def _scontrol(*args: str) -> str:
    command = ["scontrol", *args]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, errors="replace", timeout=PATIENCE
    )
    return done.stdout
