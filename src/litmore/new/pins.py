"""The exact versions that a new project begins with: those that its litmore runs with."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

OWN = ("litmore[export,sweep]", "pytest", "ruff", "mypy")
"""What the project's pyproject.toml asks for."""


def pins(wanted: Iterable[str] = OWN) -> list[str]:
    """`name==version` of what is installed of these and of all that they need, but for litmore.

    Of a version its public part: the wheel of another system has another local one, such as +cpu.
    """
    found: dict[str, str] = {}
    left, seen = [Requirement(each) for each in wanted], set()
    while left:
        need = left.pop()
        name = canonicalize_name(need.name)
        key = (name, *sorted(need.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            installed = distribution(name)
        except PackageNotFoundError:  # an extra that was left out
            continue
        found[name] = f"{name}=={Version(installed.version).public}"
        for each in map(Requirement, installed.requires or []):
            extras = ("", *need.extras)
            if not each.marker or any(each.marker.evaluate({"extra": extra}) for extra in extras):
                left.append(each)
    found.pop("litmore", None)
    return sorted(found.values())
