"""What a user can put right: one line, no traceback, exit code 2."""


class InputError(ValueError):
    """Bad input or configuration; its message is one line that names the flag or `file:line`."""
