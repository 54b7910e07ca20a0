"""What a user can put right or must know: one line, no traceback."""


class InputError(ValueError):
    """Bad input or configuration; its message is one line that names the flag or `file:line`.

    The exit code is 2.
    """


class RunError(RuntimeError):
    """A run that cannot go on: a full disk, a loss that is no number; one line, exit code 1."""
