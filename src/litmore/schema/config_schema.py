"""jsonargparse's schema of `fit`'s parser, made to fit what a config may leave out and add."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, NamedTuple

import litmore
from litmore.cli.classes import GROUPS, find_class, short_names, written
from litmore.cli.help import plain_text
from litmore.cli.settings import fit_parser
from litmore.training.lightning import config_jsonschema

Schema = dict[str, Any]


def config_schema(folder: Path) -> Schema:
    """What a config of `fit` may hold; nothing is required, since one may lie over another.

    Args:
        folder: of configs; the classes that they name are known, where they may be imported.

    """
    _load(folder)
    schema = config_jsonschema(fit_parser())
    _loosen(schema)
    kinds = {kind: list(_classes(kind, of)) for kind, of in schema["$defs"].items()}
    other = _other_class(cls.names[0] for classes in kinds.values() for cls in classes)
    schema["$defs"] = {"other": other}
    for kind, classes in kinds.items():
        schema["$defs"][kind] = {"anyOf": [*_named(classes), {"$ref": "#/$defs/other"}]}
        schema["$defs"] |= {cls.names[0]: cls.settings for cls in classes}
    for name, of in schema["properties"].items():
        others: list[Schema] = []
        if name in GROUPS:  # the class may be left out, if it is said elsewhere
            named = {kind for kind in kinds if f'#/$defs/{kind}"' in json.dumps(of)}
            others += [_ref(cls) for kind in sorted(named) for cls in kinds[kind]]
        if name in GROUPS or "properties" in of:
            schema["properties"][name] = {
                # A file's name, or nothing, may stand there, too.
                "anyOf": [*others, of, {"type": ["string", "null"]}]
            } | _described(of)
    # A setting may be written by its whole name: `trainer.max_steps: 5`.
    schema["patternProperties"] = {r"\.": {}}
    return schema


class _Class(NamedTuple):
    names: list[str]  # its path as configs write it, its module's, the short one
    described: str
    settings: Schema


def _load(folder: Path) -> None:
    """Import all of litmore, wings too, and what the configs name."""
    for module in walk_packages(litmore.__path__, "litmore."):
        with suppress(ImportError):  # a wing whose packages are not installed
            import_module(module.name)
    for path in sorted([*folder.glob("*.y*ml"), *folder.glob("*/*.y*ml")]):
        with suppress(OSError, UnicodeDecodeError):
            for named in re.findall(r"\bclass_path: *([\w.]+)", path.read_text("utf-8")):
                find_class(named)


def _loosen(schema: Any, is_root: bool = True) -> None:
    """Require nothing, let lists be added to, and say in plain words what is said."""
    if isinstance(schema, list):
        for each in schema:
            _loosen(each, False)
    if not isinstance(schema, dict):
        return
    for each in schema.values():
        _loosen(each, False)
    if isinstance(schema.get("description"), str):
        schema["description"] = plain_text(schema["description"])
    properties = schema.get("properties")
    if isinstance(properties, dict):
        schema.pop("required", None)
        if not is_root:
            properties.pop("$schema", None)
        lists = [name for name, of in properties.items() if _takes_list(of)]
        properties.update({f"{name}+": properties[name] for name in lists})


def _takes_list(schema: Any) -> bool:
    return isinstance(schema, dict) and (
        schema.get("type") == "array" or any(map(_takes_list, schema.get("anyOf", [])))
    )


def _classes(kind: str, choice: Schema) -> Iterator[_Class]:
    """Those of jsonargparse's choice that a config would name; the kind itself is none to make."""
    found = {
        of["properties"]["class_path"]["const"]: of
        for of in choice.get("anyOf", [])
        if "const" in of.get("properties", {}).get("class_path", {})
    }
    paths = written(found)
    short = {path: name for name, path in short_names(paths.values()).items()}
    for old, path in paths.items():
        of = found[old]
        if path.rpartition(".")[2] != kind or path.startswith("litmore."):
            names = [*dict.fromkeys([path, old, short[path]])]
            yield _Class(names, of.get("description", ""), of["properties"]["init_args"])


def _named(classes: list[_Class]) -> Iterator[Schema]:
    """One of these by a name alone, or with its settings."""
    yield {"enum": [cls.names[-1] for cls in classes]}
    yield {"type": "string"}
    for cls in classes:
        yield {
            "type": "object",
            "description": cls.described,
            "properties": {
                "class_path": {"enum": cls.names},
                "init_args": _ref(cls),
                "dict_kwargs": {"type": "object"},
            },
            "additionalProperties": False,
        }


def _described(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key == "description"}


def _ref(cls: _Class) -> Schema:
    return {"$ref": f"#/$defs/{cls.names[0]}"}


def _other_class(known: Iterable[str]) -> Schema:
    """A class whose module nobody has loaded; no misspelt one of a module that is known."""
    modules = sorted({re.escape(path.rpartition(".")[0]) for path in known})
    return {
        "type": "object",
        "required": ["class_path"],
        "properties": {
            "class_path": {"pattern": rf"^(?!({'|'.join(modules)})\.\w+$)\w+(\.\w+)+$"},
            "init_args": {"type": "object"},
            "dict_kwargs": {"type": "object"},
        },
        "additionalProperties": False,
    }
