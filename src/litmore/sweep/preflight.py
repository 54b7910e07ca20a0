"""All that can be said of a sweep before its first trial."""

from collections.abc import Sequence
from itertools import chain

from litmore.cli.configs import Configs
from litmore.cli.given import flag_values
from litmore.cli.main import known_cause
from litmore.cli.parser import with_place
from litmore.cli.quiet import quieten_lightning
from litmore.cli.run import check, check_data, make
from litmore.cli.settings import Settings
from litmore.errors import InputError
from litmore.sweep.space import Params, Space, flags

_OWN = {
    "ckpt_path": "a trial begins anew; --init_from begins with a checkpoint's weights",
    "run_name": "a sweep's runs lie in a folder of its --study's name",
    "print_splits": "is for fit",
}
"""Flags of `fit` that make no sense here, and why."""


def preflight(command: Sequence[str], space: Space) -> Settings:
    """The settings of the first trial, after model and data were made of each value of the space.

    Args:
        command: `fit`'s command line, without what a trial sets.
        space: what is searched.

    Raises:
        InputError: a setting is unknown or cannot be so, or `fit` would refuse its model or data;
            of a searched one the message names `file:line`.

    """
    quieten_lightning()
    for key, why in _OWN.items():
        if flag_values(command, key):
            raise InputError(f"--{key}: {why}")
    for key in space.distributions():
        if flag_values(command, key):
            raise InputError(f"--{key}: is searched by {space.places[key]}; give it in one place")
    configs = Configs(command)
    first, last = dict(reversed(list(space.extremes()))), dict(space.extremes())
    settings = None
    passed: list[Params] = []
    for own in chain([{}], ({key: value} for key, value in space.extremes())):
        points = [{**others, **own} for others in (first, last)]
        if any(point in passed for point in points):
            continue
        refused: InputError | None = None
        for point in points:  # what does not go with one may go with another
            try:
                made = _made(["fit", *command, *flags(point)], settings is None)
                passed.append(point)
                break
            except Exception as error:
                cause = known_cause(error)
                if not isinstance(cause, InputError):
                    raise
                refused = refused or cause
        else:
            args = ["fit", *command, *flags(points[0])]
            raise InputError(_placed(str(refused), args, configs, space)) from refused
        settings = settings or made
    assert settings is not None
    if settings.values.trainer.fast_dev_run or settings.values.trainer.barebones:
        raise InputError("--trainer: a fast_dev_run, or a barebones one, leaves nothing to compare")
    return settings


def _made(args: Sequence[str], is_first: bool) -> Settings:
    """The settings of a command line, whose model and data can be made and go together."""
    settings = Settings(args)
    model, data = make(settings)
    (check if is_first else check_data)(settings, model, data)
    return settings


def _placed(message: str, args: Sequence[str], configs: Configs, space: Space) -> str:
    """With the `file:line` of the setting, be it searched or in a config."""
    named = message.removeprefix("--").split(":")[0].split(" ")[0]
    for key in space.places:
        if message.startswith("--") and named.replace(".init_args", "") == key:
            return f"{space.places[key]}: {message}"
    return with_place(message, args, configs)
