"""How this process was started: what to type to start another one."""

import sys
from pathlib import Path

from litmore.system import quoted

_PACKAGE = Path(__file__).parent

_ROOT = _PACKAGE.parents[1]

CHECKOUT = _ROOT if _PACKAGE.parent.name == "src" and (_ROOT / "main.py").is_file() else None
"""The repository's root, if litmore is run from one and not as it was installed."""

_SCRIPT = "litmore"
"""The console script."""


def program() -> str:
    """What stands before the command, as a shell takes it."""
    script = Path(sys.argv[0])
    if script.name == "main.py":
        return f"python {quoted(sys.argv[0])}"
    if _is_console(script):
        return _SCRIPT
    if _is_own(script):
        return f"python -m {_SCRIPT}"
    return _SCRIPT if CHECKOUT is None else "python main.py"


def script_folder() -> Path | None:
    """Where the script lies that was started, and a model of one's own may.

    None: it is litmore, or was installed, as a notebook's kernel: beside it lies all that was.
    """
    script = Path(sys.argv[0]).absolute()
    is_installed = script.parent.name in ("site-packages", "dist-packages")
    return None if _is_console(script) or _is_own(script) or is_installed else script.parent


def _is_console(script: Path) -> bool:
    return script.name in (_SCRIPT, f"{_SCRIPT}.exe")


def _is_own(script: Path) -> bool:
    return script.is_absolute() and script.is_relative_to(_PACKAGE)
