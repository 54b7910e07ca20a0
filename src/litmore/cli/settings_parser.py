"""The parser of fit, validate, test and predict, which knows the classes that may be named."""

import sys
from collections.abc import Iterator, Sequence
from inspect import signature
from typing import Any

from lightning.pytorch.cli import LightningArgumentParser

from litmore.cli.classes import DEFAULTS, GROUPS, find_class, short_names, written
from litmore.cli.given import Given
from litmore.cli.help import listing
from litmore.cli.limits import MUTE
from litmore.cli.parser import OneLineErrors
from litmore.training.lightning import class_paths

NESTED = ("SequentialLR", "ChainedScheduler")
"""Schedules that are made of schedules."""

REFUSED = {f"torch.optim.lr_scheduler.{name}" for name in NESTED} | {MUTE}
"""Classes that no config can use."""


class SettingsParser(OneLineErrors, LightningArgumentParser):
    """LightningCLI's."""

    def parse_args(self, args: Sequence[str], **kwargs: Any) -> Any:  # type: ignore[override]
        return super().parse_args(self._named_help(args), **kwargs)

    def _named_help(self, args: Sequence[str]) -> Sequence[str]:
        """`--optimizer.help` alone is of the class that is named, or lists which there are."""
        for place, arg in enumerate(args):
            if not arg.endswith(".help") or arg not in self._option_string_actions:
                continue
            key = arg.removeprefix("--").removesuffix(".help")
            path = Given(args).class_path(key) or DEFAULTS.get(key)
            after = [*args[place + 1 :]]
            if after and not after[0].startswith("-"):
                # Whatever else is given tells no more, but of what a setting of the class takes.
                return [*args[:place], arg, *after[: None if ".help" in "".join(after) else 1]]
            if path is None:
                sys.stdout.write(listing(key, self.known_classes(key)))
                self.exit()
            return [*args[:place], arg, path]
        return args

    def known_classes(self, key: str) -> dict[str, str]:
        paths = written(class_paths(self, key)).values()
        return short_names(path for path in paths if path not in REFUSED)

    def flags_of_classes(self, args: Sequence[str]) -> Iterator[tuple[str, Any]]:
        given = Given(args)
        for group in GROUPS:
            path = given.class_path(group)
            for cls in map(find_class, [path] if path else self.known_classes(group)):
                for name, parameter in signature(cls).parameters.items() if cls else ():
                    yield f"--{group}.{name}", parameter.annotation
