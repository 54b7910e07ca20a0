"""`completion`: a script by which bash completes commands, settings, classes and values.

It is written once and asks no Python, which would take seconds at every press of the key.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from jsonargparse import ArgumentParser

from litmore.cli.commands import TRAINING, command, more_commands
from litmore.cli.parser import command_parser

if TYPE_CHECKING:
    from litmore.cli.settings_parser import SettingsParser

SCRIPT = """\
_litmore_flags() {
  case "$1" in
%(flags)s
  esac
}
_litmore_values() {
  case "$1" in
%(values)s
  esac
}
_litmore() {
  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD - 1]}" words="" at
  COMPREPLY=()
  # What python runs otherwise is completed by its files, as is a value that is none of these.
  case "${COMP_WORDS[0]##*/} ${COMP_WORDS[1]##*/} ${COMP_WORDS[2]}" in
    "litmore "*) at=1 ;;
    *" main.py "*) at=2 ;;
    *" -m litmore") at=3 ;;
    *) return ;;
  esac
  if [ "$current" = "=" ]; then current="" before="${COMP_WORDS[COMP_CWORD - 1]}"
  elif [ "$before" = "=" ]; then before="${COMP_WORDS[COMP_CWORD - 2]}"; fi
  if [ "$COMP_CWORD" = "$at" ]; then words="%(commands)s"
  else
    words="$(_litmore_values "$before")"
    case "$current" in -*) words="$(_litmore_flags "${COMP_WORDS[at]}")" ;; esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _litmore litmore
complete -o bashdefault -o default -F _litmore python python3 python3.1{1,2,3,4} .venv/bin/python
"""


def run(is_alone: bool) -> None:
    """Print a script for bash, to be sourced.

    Args:
        is_alone: Whether the process does nothing else; it is all the same here.

    """
    from litmore.cli.settings import fit_parser  # Lightning takes its time

    of_fit = fit_parser()
    others = {name: command(name).parser() for name in more_commands()}
    flags = {"|".join(TRAINING): [*_flags(of_fit), *dict(of_fit.flags_of_classes([]))]}
    flags |= {name: [*_flags(parser)] for name, parser in others.items()}
    values = {"--ckpt_path": ["last", "best", "auto"], **_values(of_fit)}
    script = SCRIPT % {
        "flags": _cases({name: sorted(set(of)) for name, of in flags.items()}),
        "values": _cases(values),
        "commands": " ".join([*TRAINING, *others]),
    }
    sys.stdout.write(script)


def parser() -> ArgumentParser:
    """It takes nothing."""
    return command_parser(run, "completion", "Print a script by which bash completes all this.")


def _flags(parser: ArgumentParser) -> Iterator[str]:
    return (flag for flag in parser._option_string_actions if not flag.endswith("+"))


def _values(parser: "SettingsParser") -> dict[str, list[str]]:
    """Of each setting that takes one of a few."""
    found: dict[str, list[str]] = {}
    for action in parser._actions:
        flag = f"--{action.dest.removesuffix('.help')}"
        if action.dest.endswith(".help"):
            found[flag] = found[f"{flag}.help"] = [*parser.known_classes(flag[2:])]
        elif words := _words(getattr(action, "_typehint", None)):
            found.setdefault(flag, words)
    for flag, hint in parser.flags_of_classes([]):
        if words := _words(hint):
            found[flag] = [*dict.fromkeys([*found.get(flag, []), *words])]
    return found


def _words(hint: Any) -> list[str]:
    """The words that a type takes, if they are few."""
    if hint is bool:
        return ["true", "false"]
    if get_origin(hint) is Literal:
        return [str(each) for each in get_args(hint)]
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        return [word for kind in kinds for word in _words(kind)]
    return []


def _cases(words: Mapping[str, Iterable[str]]) -> str:
    return "\n".join(f'    {name}) echo "{" ".join(of)}" ;;' for name, of in words.items())
