"""Flags, and one line for each of their errors."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NoReturn

from jsonargparse import ArgumentParser

from litmore.cli.classes import loaded_classes
from litmore.cli.configs import Configs
from litmore.cli.given import flag_values
from litmore.cli.help import page
from litmore.cli.hints import check_flags
from litmore.errors import InputError, nearest
from litmore.program import program
from litmore.runs.trust import refusal

TRUST_CONFIG = "Import the model's class from whatever installed package it is in."
"""What the flag of that name does, where there is one."""

LONGEST = 400
"""Characters of a message; what a library says beyond is cut."""


class OneLineErrors(ArgumentParser):
    """A parser that raises what is wrong as one line, and whose help is a page to read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False} | kwargs)  # a flag cut short is none

    def parse_args(self, args: Sequence[str], **kwargs: Any) -> Any:  # type: ignore[override]
        if self._subcommands_action is None:
            deeper = self.flags_of_classes(args)
            check_flags(args, self._option_string_actions, (flag for flag, _ in deeper))
        return super().parse_args(args, **kwargs)

    def known_classes(self, key: str) -> dict[str, str]:
        """The paths of the classes that a setting may name, by their short names."""
        return {}

    def flags_of_classes(self, args: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """The settings of the classes that a command line names, or could; each with its type."""
        yield from ()

    def format_help(self, *_: Any) -> str:
        return page(self, self.known_classes)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        parser = getattr(ex, "subcommand_parser", None) or self
        names = [action.dest for action in parser._actions]
        line = plain_message(" ".join(message.split()), names, _inner_error(ex))
        raise InputError(line if len(line) <= LONGEST else line[:LONGEST] + "…") from ex


def command_parser(
    run: Callable[..., Any],
    name: str,
    description: str,
    skip: Collection[str] = (),
    **switches: str,
) -> OneLineErrors:
    """The parser of a command that is not LightningCLI's.

    Args:
        run: what its flags are given; their help is its docstring's.
        name: as it is typed.
        description: a sentence.
        skip: arguments of `run`, beside `is_alone`, that are added otherwise.
        switches: flags without a value, and their help.

    """
    made = OneLineErrors(prog=f"{program()} {name}", description=description)
    made.add_function_arguments(run, skip={"is_alone", *skip, *switches})
    for flag, says in switches.items():
        made.add_argument(f"--{flag}", action="store_true", help=says)
    return made


def _inner_error(error: BaseException | None) -> str | None:
    """What the parser of a class's own settings has said, below what was made of it."""
    while error is not None and not isinstance(error, InputError):
        error = error.__cause__ or error.__context__
    return str(error) if error is not None else None


def plain_message(line: str, names: Sequence[str], inner: str | None) -> str:
    """What jsonargparse says, in the form `--flag value: what is wrong`.

    Args:
        line: its message, on one line.
        names: the settings that there are, for the one that may be meant.
        inner: what is wrong with a class's own setting, in that form.

    """
    key = ""
    if match := re.match(r'(?:Parser key "([\w.+]+)"|--([\w.+]+)):\s*', line):
        key, line = (match[1] or match[2]).removesuffix("+"), line[match.end() :]
    if match := re.search(r"Importing '([\w.]+)' is not allowed", line):
        return refusal(f"--{key} {match[1]}", match[1])
    if inner and key:
        return f"--{key}.{inner[2:]}" if inner.startswith("--") else f"--{key}: {inner}"
    unknown = (
        r"Subcommand '\w+' does not accept option '([^']+)'|Option '([^']+)' is not accepted$"
        r"|unrecognized arguments: --([^ =]+)"
    )
    if match := re.match(unknown, line):
        name = match[1] or match[2] or match[3]
        return f"--{name}: no such setting{nearest(name, names)}"
    if match := re.match(r"argument (\S+): (expected .* argument|ignored explicit argument)", line):
        name = next(name for name in match[1].split("/") if name.startswith("--"))
        return f"{name}: {'must be given a' if 'expected' in match[2] else 'takes no'} value"
    if match := re.match(r"the following arguments are required: (.*)", line):
        name = re.sub(r"^(fit|validate|test|predict)\.", "", match[1].split(",")[0])
        return f"--{name}: must be given"
    value = ""
    if match := re.search(r"(?: Given value type: .*?Given value:|\. Got value:) (.*)$", line):
        value, line = f" {match[1]}", line[: match.start()]
    line = re.sub(r"^.*? Errors: - ", "", line)  # of a union's complaints, each type's
    if re.fullmatch(r"Expected a <class '\w+'>(?: - Expected a <class '\w+'>)+", line):
        kinds = [name for name in re.findall(r"'(\w+)'", line) if name != "NoneType"]
        line = f"must be {' or '.join(kinds)}"
    if re.match(r"Expected a <class 'collections\.abc\.Sequence'>", line):
        line = "must be a list, such as '[a, b]'"
    if match := re.match(r"Expected a dot import path string: (\S+)", line):
        classes = [cls.__name__ for cls in loaded_classes()]
        meant = nearest(match[1], classes) or "; give its path, module.Class"
        line = "another kind of class" if match[1] in classes else f"no class of that name{meant}"
    return f"--{key}{value}: {line}" if key else line


def with_place(message: str, args: Sequence[str], configs: Configs) -> str:
    """A message about a setting, with the `file:line` that set it.

    Args:
        message: in the form `--flag value: what is wrong`, or any other, which stays as it is.
        args: the command line; what it sets by a flag, no file has set.
        configs: its config files.

    """
    match = re.match(r"--([\w.]+)(?: (.*?))?: ", message)
    if not match:
        return message
    key, value = match[1].replace(".init_args", ""), match[2]
    by_flag = flag_values(args, key, f"{key}+")
    if by_flag and (value is None or any(_same(value, given) for given in by_flag)):
        return message
    place = configs.place(key) or (configs.place(f"{key}.class_path") if value else None)
    return f"{place}: {message}" if place else message


def _same(one: str, other: str) -> bool:
    """Whether two spellings, such as `0` and `0.0`, may be one value; a list's may be anything."""
    try:
        return float(one.lstrip(".")) == float(other.lstrip(".")) or "nan" in one
    except ValueError:
        return one == other or "[" in one
