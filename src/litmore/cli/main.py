"""From a command line to an exit code."""

import errno
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from litmore import __version__
from litmore.cli.commands import TRAINING, command, more_commands
from litmore.cli.configs import Configs
from litmore.cli.help import overview
from litmore.cli.hints import HELP, VERSION, check_command
from litmore.cli.parser import with_place
from litmore.cli.quiet import be_quiet
from litmore.cli.shipped import with_files
from litmore.cli.streams import open_streams
from litmore.cli.surroundings import check_surroundings
from litmore.errors import InputError, RunError, causes, out_of_memory
from litmore.progress import waiting
from litmore.runs.requeue import requeue

if TYPE_CHECKING:
    from lightning.pytorch import Callback


def main(args: Sequence[str] | None = None, callbacks: Sequence["Callback"] = ()) -> int:
    """Run a command line.

    Args:
        args: the command line; None takes this process's own.
        callbacks: of the Trainer, beside those that are named; no config records them.

    Returns:
        The exit code: 0 done, 1 a run that cannot go on, 2 bad input or config, 128 + n stopped
        by signal n; a bug is raised, which makes the code 1 too.

    """
    is_own = args is None
    args = sys.argv[1:] if args is None else list(args)
    # A result that cannot be written is an error, but of a training it is the checkpoint.
    is_training = args[:1] == ["fit"] and not any(arg.startswith(_ASKING) for arg in args)
    outlasted = ("stdout", "stderr") if is_training else ("stderr",)
    with open_streams(outlasted) as errors:
        return _main(args, callbacks, is_own, errors)


def _main(args: list[str], callbacks: Sequence["Callback"], is_own: bool, errors: Any) -> int:
    be_quiet()
    configs: Configs | None = None
    try:
        # Each imports what it needs: `sample` is done before Lightning would be imported.
        check_surroundings()
        _check_text(args)
        more = more_commands()
        check_command(args, [*TRAINING, *more])
        args = with_files(args)
        if args[0] in (*HELP, *more):
            code = _run_light(args, is_own)
        else:
            configs = Configs(args)
            with waiting("starting"):  # seconds
                from litmore.cli.run import run

            try:
                code = run(args, callbacks)
            except SystemExit:  # `--print_config`
                sys.stdout.flush()
                raise
        sys.stdout.flush()  # what cannot be written is known by now
        requeue(args, code - 128)
        return code
    except BrokenPipeError:
        # The reader (`| head`) has had enough; nothing is left to be flushed at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        cause = known_cause(error)
        if cause is None:
            raise
        message = " ".join(str(cause).split("\n"))
        if not isinstance(cause, InputError):
            errors.write(f"error: {message}\n")
            if is_own:
                _leave_others()
            return 1
        message = with_place(message, args, configs) if configs else message
        errors.write(f"error: {message}\n")
        if args and args[0] in TRAINING and _is_one_of_several():
            from litmore.runs.agreement import refuse

            refuse(message)
        return 2


_ASKING = ("-h", "--help", "--print_")
"""What `fit` is asked by, and does not train."""


def _check_text(args: Sequence[str]) -> None:
    """Refuse what no config could write down."""
    for before, arg in zip(["", *args], args, strict=False):
        if not arg.isascii() and any("\ud800" <= character <= "\udfff" for character in arg):
            flag = arg.partition("=")[0] if arg.startswith("--") else before
            shown = arg.encode("utf-8", "surrogateescape")
            raise InputError(f"{flag}: {shown!r}: a name of bytes that are no UTF-8; rename it")


def _run_light(args: Sequence[str], is_own: bool) -> int:
    """What is not LightningCLI's, or the help of all."""
    if args[0] == VERSION:
        sys.stdout.write(f"litmore {__version__}\n")
        return 0
    if args[0] in more_commands():
        found = command(args[0])
        return found.run(is_own, **found.parser().parse_args(args[1:]).as_dict()) or 0
    purposes = {name: str(command(name).parser().description) for name in more_commands()}
    sys.stdout.write(overview(TRAINING | purposes))
    return 0


def _is_one_of_several() -> bool:
    """Whether a launcher has started others beside this process, which may be waiting for it."""
    return any(os.environ.get(name, "1") != "1" for name in ("WORLD_SIZE", "SLURM_NTASKS"))


def _leave_others() -> None:
    """End at once where other processes were connected: at an orderly exit gloo may abort."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.distributed.is_initialized():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


def known_cause(raised: BaseException | None) -> BaseException | None:
    """What a line is enough for, at the bottom of what jsonargparse wrapped around it."""
    for error in causes(raised):
        if isinstance(error, InputError | RunError):
            return error
        if isinstance(error, OSError) and (error.errno in DISK or _is_of_a_place(error)):
            where = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
            kind = InputError if error.errno == errno.ENAMETOOLONG else RunError
            return kind(f"{where}{error.strerror}")
        if said := out_of_memory(error):
            return RunError(
                f"not enough memory ({said}); what takes most of it are --data.batch_size,"
                " --data.eval_batch_size and the sizes of --model"
            )
        if isinstance(error, RuntimeError) and re.search("gloo|NCCL", str(error)):
            return RunError("the connection to another process of the run is lost")
        if "DistError" in (base.__name__ for base in type(error).__mro__):  # of torch, if imported
            return RunError(f"the processes of the run do not meet: {str(error).splitlines()[0]}")
    return None


def _is_of_a_place(error: OSError) -> bool:
    """Whether it is about a file that is not as it should be; a user's own code is to be traced."""
    if not isinstance(error.filename, str | bytes):
        return False
    from litmore.cli.refusals import is_users

    return not is_users(error)


DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""Errors that are no fault of the program's."""
