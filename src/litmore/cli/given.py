"""What a command line says by hand: its flags and config files, in their order."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml


def flags(args: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each flag's dotted key, as `Given` has them, and what stands behind it."""
    for arg, after in zip_longest(args, args[1:], fillvalue=""):
        if arg.startswith("-"):
            key, equals, value = arg.lstrip("-").partition("=")
            key = ".".join(part for part in key.split(".") if part not in _LEVELS)
            yield key, value if equals else after


def flag_values(args: Sequence[str], *keys: str) -> list[str]:
    """What a flag is given, by any of these names, each time."""
    return [value for key, value in flags(args) if key in keys]


def config_paths(args: Sequence[str]) -> list[str]:
    """What `--config` is given, in order."""
    return flag_values(args, "config", "c")


class Given:
    """Settings by dotted keys, without `init_args`; a class stands under its group's own key.

    What is added to a list has a key that ends in `+`.

    Args:
        args: a command line; what is no YAML in it is left to the parser.

    """

    def __init__(self, args: Sequence[str]) -> None:
        self.configs = config_paths(args)
        self._sources: list[tuple[str, dict[str, Any]]] = []
        self._texts: dict[str, Any] = {}
        for key, value in flags(args):
            if key in ("config", "c"):
                self._sources.append(("config", dict(flat(_loaded(value)))))
                self._texts |= self._sources[-1][1]
            else:
                self._sources.append(("flag", dict(flat(_plain(value), key))))
                self._texts[key] = None if _plain(value) is None else value

    def lay_over(self, recorded: Mapping[str, Any]) -> None:
        """Put first what a checkpoint's run recorded; it is not given by hand."""
        self._sources.insert(0, ("record", dict(flat(recorded))))

    def get(self, key: str, default: Any = None) -> Any:
        """The last value given by hand."""
        by_hand = [each[key] for kind, each in self._sources if key in each and kind != "record"]
        return by_hand[-1] if by_hand else default

    def text(self, key: str, default: str | None = None) -> str | None:
        """The same of a name, of which YAML might make a number or a list: `007` and `[x]`."""
        found = self._texts.get(key, default)
        return None if found is None else str(found)

    def class_path(self, group: str) -> str:
        """Of the class to be made, as it is written; "" if none is named."""
        return next((str(e[group]) for _, e in reversed(self._sources) if group in e), "")

    def class_name(self, group: str) -> str:
        """The same without its module."""
        return _name(self.class_path(group))

    def changes_class(self, group: str) -> bool:
        """Whether a later source names another class than an earlier one."""
        return len({_name(each[group]) for _, each in self._sources if group in each}) > 1

    def settings(self, group: str, *, by_hand: bool = False) -> dict[str, Any]:
        """What is given of the class to be made.

        What another class was given before, by a config or record, means nothing to it, even where
        the two have settings of one name.

        Args:
            group: the class's key.
            by_hand: leave out what was recorded.

        """
        held: dict[str, tuple[str, Any]] = {}
        name = ""
        for kind, source in self._sources:
            if _name(source.get(group, name)) != name:
                held = {key: (by, value) for key, (by, value) in held.items() if by == "flag"}
                name = _name(source[group])
            for key, value in source.items():
                if key.startswith(f"{group}."):
                    held[key.removeprefix(f"{group}.")] = (kind, value)
        return {key: value for key, (by, value) in held.items() if not by_hand or by != "record"}


def flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by the dotted keys of their flags; a class stands under its group's own key."""
    if not isinstance(value, Mapping):
        yield key, value
        return
    for name, inner in value.items():
        if name in _LEVELS:
            yield from flat(inner, key) if inner is not None else ()
        else:
            yield from flat(inner, f"{key}.{name}".strip("."))


def _loaded(config: str) -> Any:
    try:
        is_file = "\n" not in config and Path(config).is_file()
    except OSError:  # no name, but YAML
        is_file = False
    content = _plain(Path(config).read_text("utf-8") if is_file else config)
    return content if isinstance(content, Mapping) else {}


def _plain(value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        return value


def _name(class_path: Any) -> str:
    return str(class_path).rpartition(".")[2]


_LEVELS = ("class_path", "init_args", "dict_kwargs")
"""What stands between a class and its settings."""
