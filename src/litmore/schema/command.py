"""`schema`: a JSON schema of `fit`'s configs, for editors."""

import json
import sys

from jsonargparse import ArgumentParser

from litmore.cli.parser import command_parser
from litmore.errors import InputError, RunError
from litmore.files import here

OUTPUT = "configs/.schema.json"
"""Where the first line of each shipped config says that it is."""


def run(is_alone: bool, output: str = OUTPUT) -> None:
    """Write a JSON schema of `fit`'s configs.

    Args:
        is_alone: Whether the process does nothing else; it is all the same here.
        output: The schema's file. The classes that YAMLs beside it name are in it, too.

    Raises:
        InputError: there is no such folder, or the file cannot be written.

    """
    path = here("--output", output)
    if not path.absolute().parent.is_dir():
        raise InputError(f"--output {output}: there is no folder {path.parent}")
    if path.is_dir():
        raise InputError(f"--output {output}: a folder; name a file")
    from litmore.runs.atomic import write_atomically  # with torch, as the other
    from litmore.schema.config_schema import config_schema

    text = json.dumps(config_schema(path.absolute().parent), indent=1, ensure_ascii=False)
    try:
        write_atomically(path, f"{text}\n".encode())
    except RunError as error:
        raise InputError(f"--output {output}: {error}") from None
    sys.stdout.write(f"{output}\n")


def parser() -> ArgumentParser:
    """The flags of `schema`."""
    return command_parser(run, "schema", "Write a JSON schema of configs, for editors.")
