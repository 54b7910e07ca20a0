"""Slurm's job that this process is of, and how it gets back into the queue."""

import os
import re
import signal
import subprocess

from litmore.errors import one_line

REQUEUING = (signal.SIGTERM, signal.SIGUSR1)
"""What Slurm says that a job's time is up by; the others are people's."""

PATIENCE = 20
"""Seconds that Slurm's controller is given to answer: less than Slurm gives a job to end."""


def slurm_job() -> str | None:
    """Its number, as `scontrol` takes it: of an array, one element's."""
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}_ID") for name in ("JOB", "TASK"))
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")


def requeue() -> str:
    """Have Slurm run the job once more, unless it is cancelled, or requeued by others already.

    Returns:
        What became of it, for people: whatever that is, the run is saved.

    """
    job = slurm_job()
    if job is None:
        return "not requeued: this is no job of Slurm's"
    try:
        told = _scontrol("show", "job", "--oneliner", job)
        if not re.search(r"JobState=RUNNING|Reason=TimeLimit", told):
            return f"job {job} is not requeued: it was cancelled, or is requeued already"
        _scontrol("requeue", job)
    except FileNotFoundError:
        return f"job {job} is not requeued: there is no scontrol here"
    except subprocess.CalledProcessError as error:
        return f"job {job} is not requeued: scontrol says: {one_line(error.stderr)}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"job {job} is not requeued: scontrol: {one_line(error)}"
    return f"job {job} is requeued"


def _scontrol(*args: str) -> str:
    return subprocess.run(
        ["scontrol", *args],
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        start_new_session=True,  # it has the job's signals to outlive
    ).stdout
