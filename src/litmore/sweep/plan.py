"""What a sweep is to do, as its command line says."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from litmore.cli.run import run_name
from litmore.errors import InputError
from litmore.files import here
from litmore.program import script_folder
from litmore.runs.folder import ROOT, check_name
from litmore.sweep.preflight import preflight
from litmore.sweep.space import SEED, Space, read_space
from litmore.sweep.strategies import NO_PRUNING, Made
from litmore.sweep.study import Definition

MOST_SEEDS = 1_000_000
"""They are listed."""


@dataclass(frozen=True)
class Plan:
    """What a sweep is to do.

    Attributes:
        name: the study's.
        storage: the URL of where it is kept.
        definition: what its trials are.
        space: what is searched.
        root: the study's folder, in which each trial has one.
        num_trials: of the study, of all machines together.
        jobs: runs side by side.
        pruner: class and arguments.
        heartbeat: seconds between two time stamps of a trial that runs.
        first_seed: the config's own.
        beside: the folder of the script that was started, whose modules can be imported.

    """

    name: str
    storage: str
    definition: Definition
    space: Space
    root: Path
    num_trials: int
    jobs: int
    pruner: Made
    heartbeat: float
    first_seed: int
    beside: Path | None

    @property
    def is_of_seeds(self) -> bool:
        """Whether its trials differ by their seed alone."""
        return set(self.space.distributions()) == {SEED}


def make_plan(
    fit: Sequence[str],
    search: str | None,
    seeds: int | list[int] | None,
    num_trials: int | None,
    jobs: int,
    study: str | None,
    storage: str | None,
    heartbeat: float,
    pruner: Made | None,
) -> Plan:
    """The plan of these flags; the arguments bear the flags' names.

    Raises:
        InputError: what they ask for cannot be.

    """
    if search is None and seeds is None:
        raise InputError("sweep: pass --seeds 5, or --search with a YAML of flags")
    space = read_space(search) if search is not None else Space()
    if seeds is not None and SEED in space.distributions():
        raise InputError(f"--seeds: {space.places[SEED]} searches them, too")
    if num_trials is None and space.sampled:
        raise InputError("--num_trials: must be given, unless the search is a grid")
    settings = preflight(fit, space)
    values = settings.values
    first_seed = values.seed_everything if type(values.seed_everything) is int else 42
    wanted = _seeds(seeds, first_seed)
    recorded = space.to_record()
    if search is None:
        space, wanted = Space(grid={SEED: wanted}), []
        # More seeds may follow.
        recorded = space.to_record() if isinstance(seeds, list) else {"seeds from": first_seed}
    kind = "seeds" if search is None else "sweep"
    name = check_name("--study", study or f"{run_name(settings, settings.model)}-{kind}")
    root = here(ROOT, values.trainer.default_root_dir) / name
    hashes = {path: sha256(Path(path).read_bytes()).hexdigest() for path in settings.config_files()}
    return Plan(
        name=name,
        storage=storage or f"journal:{root / 'study.log'}",
        definition=Definition(
            list(fit), hashes, recorded, wanted, values.monitor, values.monitor_mode
        ),
        space=space,
        root=root,
        num_trials=_trials(num_trials, space),
        jobs=jobs,
        pruner=pruner or NO_PRUNING,
        heartbeat=heartbeat,
        first_seed=first_seed,
        beside=script_folder(),
    )


def _trials(given: int | None, space: Space) -> int:
    """All points of a grid at most; what is sampled has no end."""
    if given is None:
        return space.size
    return given if space.sampled else min(given, space.size)


def _seeds(given: int | list[int] | None, first: int) -> list[int]:
    if given is None:
        return []
    if isinstance(given, int):
        if not 1 <= given <= MOST_SEEDS:
            raise InputError(f"--seeds {given}: must be at least 1 and at most {MOST_SEEDS:,}")
        return list(range(first, first + given))
    if len(set(given)) < len(given) or not given:
        raise InputError(f"--seeds {given}: one or more, each once")
    return given
