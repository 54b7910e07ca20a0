"""What `--help` prints: litmore's own settings first, a line each, all in whole words."""

import re
import shutil
from argparse import SUPPRESS, Action
from collections.abc import Callable, Iterable, Mapping
from inspect import getdoc
from pkgutil import resolve_name
from textwrap import wrap
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from jsonargparse import ArgumentParser

from litmore.program import program

NAMES_SHOWN = 9
"""How many classes a page names."""

Known = Callable[[str], Mapping[str, str]]
"""The classes that a setting may name: their paths, by their short names."""


def overview(commands: Mapping[str, str]) -> str:
    """The help of the whole program.

    Args:
        commands: what each does.

    """
    lines = _entries(commands.items(), max(map(len, commands)) + 6, "    ")
    return (
        f"usage: {program()} COMMAND [--flag value ...]\n\n"
        "Train, judge and sample character models of names.\n\n"
        + "".join(f"{line}\n" for line in lines)
        + f"\nThe settings of one: {program()} fit --help\n"
    )


def page(parser: ArgumentParser, known: Known) -> str:
    """The help of a command, or of a class's settings."""
    actions = [action for action in parser._actions if action.help != SUPPRESS]
    flags = {flag for action in actions for flag in action.option_strings}
    parents = {flag.rpartition(".")[0] for flag in flags if not flag.endswith(".help")}
    shown = [
        action
        for action in actions
        if not parents.intersection(action.option_strings) and not action.dest.endswith(".help")
    ]
    lines = [*_wrapped(f"{parser.description}", 0), ""]
    if "--help" in flags:  # a class has no command
        words = [str(each.metavar or each.dest) for each in shown if not each.option_strings]
        command = parser.prog.replace(" [options]", "")
        lines[:0] = [" ".join(["usage:", command, *words, "[--flag value ...]"]), ""]
    classes = {each.dest for each in actions if f"--{each.dest}.help" in flags}
    classes &= {each.dest for each in actions if "--help" in flags or "." not in each.dest}
    own = [each for each in shown if "." not in each.dest]
    sections = {
        "settings": {_names(a): _brief(a) for a in own if a.dest not in classes},
        "classes, each with settings of its own": {
            _names(a): _choice(a, known(a.dest)) for a in own if a.dest in classes
        },
    }
    for group in sorted(parser._action_groups, key=lambda each: len(each._group_actions)):
        deeper = [each for each in shown if each in group._group_actions and "." in each.dest]
        sections[_sentence(f"{group.title}")] = {_names(a): _full(a, classes) for a in deeper}
    for title, entries in sections.items():
        if entries:
            lines += [*_wrapped(f"{title}:", 0), *_entries(entries.items()), ""]
    return "\n".join(lines)


def listing(key: str, classes: Mapping[str, str]) -> str:
    """The classes that a setting may name, by their short names, with what each is.

    Args:
        key: the setting, such as `optimizer`.
        classes: the path of each.

    """
    entries = [(name, _purpose(path)) for name, path in classes.items()]
    lines = [f"--{key}: one of these, or another by its path, module.Class", *_entries(entries)]
    return "\n".join([*lines, f"The settings of one: --{key}.help {next(iter(classes))}", ""])


def _names(action: Action) -> str:
    names = [name for name in action.option_strings if not name.endswith("+")]
    return ", ".join(sorted(names, key=len)) or str(action.metavar or action.dest)


def _brief(action: Action) -> str:
    """The first sentence, and the default."""
    text = _sentence(plain_text(action.help or ""))
    return _with(text, _default(action, text))


def _sentence(text: str) -> str:
    return re.split(r"(?<=[\w)'`])\.(?: |$)", text)[0].rstrip(":")


def _full(action: Action, classes: Iterable[str]) -> str:
    text = plain_text(action.help or "")
    kind = _kind(action._typehint) if hasattr(action, "_typehint") else ""
    text = _with(text, kind, _default(action, text))
    return text + f"; see --{action.dest}.help" * (action.dest in classes)


def _choice(action: Action, classes: Mapping[str, str]) -> str:
    own = sum(path.startswith("litmore.") for path in classes.values())
    names = [*classes][: max(own, NAMES_SHOWN)]
    more = ", …" * (len(names) < len(classes))
    example = f" {names[0]}" if len(names) > 1 else ""
    return f"{', '.join(names) or _brief(action)}{more}; see --{action.dest}.help{example}"


def _with(text: str, *more: str) -> str:
    noted = ", ".join(filter(None, more))
    return f"{text} ({noted})".strip() if noted else text


def _default(action: Action, text: str) -> str:
    value = action.default
    if action.required:
        return "required"
    if value in (None, SUPPRESS, "") or action.nargs == 0 or "(default" in text:
        return ""
    return f"default: {str(value).lower() if isinstance(value, bool) else value}"


def _kind(hint: Any) -> str:
    """A type in plain words."""
    if get_origin(hint) in (Union, UnionType, Literal):
        return " or ".join(dict.fromkeys(map(_kind, get_args(hint))))
    if hint in (None, NoneType):
        return "null"
    if isinstance(hint, type) and not get_args(hint):
        return hint.__name__
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", str(hint))


def plain_text(text: str) -> str:
    """A docstring's words without the marks of reStructuredText, on one line."""
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?([\w ]+)(?: <[^`]*>)?`", r"\1", " ".join(text.split()))
    text = re.sub(r"`([^`<]+) <[^`]*>`_+", r"\1", text).replace("``", "")
    return re.sub(r",? ?\(?[Dd]efault(?:s to)?:? ?\"?[\w'.-]+\"?\)?\.?$", "", text).strip()


def _purpose(path: str) -> str:
    doc = getdoc(resolve_name(path)) or ""
    return plain_text(doc.split("\n\n", maxsplit=1)[0])


def _entries(entries: Iterable[tuple[str, str]], column: int = 24, margin: str = "  ") -> list[str]:
    lines = []
    for name, text in entries:
        body = _wrapped(text, column)
        if len(margin + name) < column and body:
            body[0] = f"{margin}{name}".ljust(column) + body[0].lstrip()
        else:
            lines.append(margin + name)
        lines += body
    return lines


def _wrapped(text: str, indent: int) -> list[str]:
    margin = " " * indent
    return wrap(
        text,
        max(shutil.get_terminal_size().columns, indent + 30),
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
