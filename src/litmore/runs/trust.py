"""Which class paths of a config or a checkpoint are imported: importing runs code."""

import sys
from importlib.machinery import PathFinder
from pathlib import Path
from pkgutil import iter_modules

from jsonargparse import set_parsing_settings

from litmore.errors import InputError
from litmore.program import script_folder

PACKAGES = frozenset({"litmore", "torch", "lightning", "torchmetrics"})
"""What is always imported."""


def importable(trust_config: bool) -> set[str]:
    """Top-level modules that a class path may begin with.

    They are `PACKAGES` and the modules that lie in the working directory or beside the script that
    was started, or in `src/` there: a model of one's own. With trust, every installed one; the
    standard library, which holds no model, stays out.
    """
    if trust_config:
        installed = {module.name for module in iter_modules()}
        return installed - sys.stdlib_module_names - {"jsonargparse"}
    folders = {Path.cwd(), script_folder() or Path.cwd()}
    folders |= {folder / "src" for folder in folders}
    names = {
        path.stem
        for folder in folders
        if folder.is_dir()  # a relative one is not, where the process has gone elsewhere
        for path in folder.iterdir()
        if path.stem.isidentifier() and (path.suffix == ".py" or path.is_dir())
    }
    return {
        name for name in names - sys.stdlib_module_names if _is_found_in(name, folders)
    } | PACKAGES


def _is_found_in(name: str, folders: set[Path]) -> bool:
    """Whether importing that name imports what lies there, and no module of an earlier path."""
    spec = PathFinder.find_spec(name)
    if spec is None:
        return False
    # A package lies in a folder of its name, one without __init__.py in several.
    places = spec.submodule_search_locations or [spec.origin or ""]
    return all(Path(place).absolute().parent in folders for place in places)


def restrict_imports(trust_config: bool) -> None:
    """Let the command line's parser import nothing else, from now on."""
    installed = {module.name for module in iter_modules() if module.name.isidentifier()}
    allowed = {name for name in importable(trust_config) if name.isidentifier()}
    set_parsing_settings(
        import_path_denylist=["*", *(installed - allowed - sys.stdlib_module_names)],
        import_path_allowlist=sorted(allowed),
    )


def check_class_path(class_path: str, trust_config: bool, flag: str) -> None:
    """Whether a class path may be imported.

    Raises:
        InputError: it may not; the message names the flag.

    """
    module = class_path.split(".", maxsplit=1)[0]
    if module not in importable(trust_config):
        raise InputError(refusal(f"{flag}: its model {class_path}", class_path))


def refusal(named_by: str, class_path: str) -> str:
    """What to say of a class path that is not imported."""
    module = class_path.split(".", maxsplit=1)[0]
    if module.isidentifier() and PathFinder.find_spec(module) is None:
        return f"{named_by}: no module {module} is found (PYTHONPATH=FOLDER says where to look)"
    trust = "--trust_config" if named_by.startswith("--") else "trust_config=True"
    return (
        f"{named_by}: not imported: {module} is neither of {', '.join(sorted(PACKAGES))} nor a"
        f" module of this folder; if you trust it, pass {trust}"
    )
