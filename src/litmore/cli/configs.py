"""Config files: looked at before they are parsed, and where in them a setting stands."""

import errno
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from litmore.cli.given import config_paths
from litmore.errors import InputError, one_line

MAX_NODES = 100_000
"""Values that a config may hold once its aliases are written out."""

_GROUPS = ("model", "data", "trainer", "optimizer", "lr_scheduler")

_TAG = "tag:yaml.org,2002:"
_TAGS = {_TAG + name for name in ("null", "bool", "int", "float", "str", "seq", "map", "merge")}


class Configs:
    """The `--config` files of a command line.

    Args:
        args: what `--config` is given in it and is no file is left to the parser.

    Raises:
        InputError: one is not as `read_yaml` takes it.

    """

    def __init__(self, args: Sequence[str]) -> None:
        files = [path for path in config_paths(args) if _is_file(path)]
        self._roots = {path: read_yaml(path) for path in files}

    def place(self, key: str) -> str | None:
        """The `file:line` of a dotted key, of the last file that has it."""
        for path, root in reversed(self._roots.items()):
            for found in _find(root, key.split(".")):
                return f"{path}:{found.start_mark.line + 1}"
        return None


def _is_file(path: str) -> bool:
    """Whether a config is one, or else YAML itself.

    Raises:
        InputError: it lies elsewhere, or can be no file's name.

    """
    if "\n" in path:
        return False
    if re.match(r"[\w+]+://", path):
        raise InputError(f"--config {path}: a URL; fetch the file first")
    try:
        return Path(path).is_file()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG and ":" in path:  # YAML on one line
            return False
        raise InputError(f"--config {path}: {error.strerror}") from None


def read_yaml(path: str) -> yaml.MappingNode:
    """A file's lines of `key: value`.

    Raises:
        InputError: it is no YAML mapping of plain values, a key stands twice in it, or it is too
            large; the message names `file:line`.

    """
    try:
        root = yaml.compose(Path(path).read_text("utf-8"), yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte 0x{error.object[error.start]:02x})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deep") from None
    except yaml.MarkedYAMLError as error:
        unclosed = "stream end" in (error.problem or "")
        mark = (unclosed and error.context_mark) or error.problem_mark
        line = mark.line + 1 if mark else 1
        raise InputError(f"{path}:{line}: not YAML ({error.problem or error.context})") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML ({one_line(error)})") from None
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"{path}: no config: give lines of `key: value`")
    _check(root, path)
    return root


def _check(root: yaml.Node, path: str) -> None:
    """Refuse what YAML can say beyond plain values, and what is too large."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if id(node) in sizes:
            return sizes[id(node)]
        where = f"{path}:{node.start_mark.line + 1}"
        if node.tag not in _TAGS:
            tag = node.tag.replace(_TAG, "!!")
            raise InputError(f"{where}: {tag}: a config holds plain values alone")
        sizes[id(node)] = MAX_NODES + 1  # met again below itself: it never ends
        children: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            keys = set()
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.value in keys:
                    line = key.start_mark.line + 1
                    raise InputError(f"{path}:{line}: {_shown(key)}: this key stands there twice")
                keys.add(key.value)
                children += [key, value]
        elif isinstance(node, yaml.SequenceNode):
            children = node.value
        total = 1 + sum(map(size, children))
        if total > MAX_NODES:
            raise InputError(f"{where}: more than {MAX_NODES:,} values")
        sizes[id(node)] = total
        return total

    try:
        size(root)
    except RecursionError:
        raise InputError(f"{path}: nested too deep") from None


def _shown(key: yaml.Node) -> str:
    return key.value if isinstance(key, yaml.ScalarNode) else "a key of several values"


def _find(node: yaml.Node, parts: Sequence[str]) -> Iterator[yaml.Node]:
    """The nodes of a dotted key below a node; of a group, which no one line sets, there is none.

    `init_args` may be left out of the key, and a list is looked into.
    """
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _find(child, parts)
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        name = key.value.removesuffix("+")
        if name == parts[0] and len(parts) == 1:
            if isinstance(value, yaml.ScalarNode) or parts[0] not in _GROUPS:
                yield key
        elif name == parts[0]:
            yield from _find(value, parts[1:])
        elif name in ("init_args", "dict_kwargs"):
            yield from _find(value, parts)
