"""`python -m litmore`, the console script `litmore`, and what main.py does."""

import sys
from pathlib import Path

from litmore.runs.signals import end_with_parent, stop_at_once


def run() -> int:
    """Run this process's command line; its exit code."""
    stop_at_once()  # before the imports below, which take seconds
    end_with_parent()
    from litmore.cli import main

    return main()


def script() -> int:
    """The console script: modules of the working directory are found, as `python -m` has it."""
    if not sys.flags.safe_path:
        sys.path[0] = str(Path.cwd())  # where the script's own folder stands
    return run()


if __name__ == "__main__":
    sys.exit(run())
