"""`make upgrade WHEEL=…` in a project: another litmore, and what it changes for the configs."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from litmore.errors import InputError
from litmore.new.wheel import pinned, read_wheel

PIN = Path("vendor/litmore.txt")

PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]

Settings = dict[str, str]


def main(args: Sequence[str]) -> int:
    """Take the wheel into vendor/, install it, and print which settings came and went.

    Returns:
        The exit code: 2 if it is no wheel of litmore's, 1 if it cannot be installed here, where
        all stays as it was.

    """
    try:
        if not PIN.is_file():
            raise InputError(f"make upgrade: no {PIN} here, which pins litmore's wheel")
        if not any(args):
            raise InputError("make upgrade: name the wheel: WHEEL=path/to/litmore-….whl")
        name, content = read_wheel(Path(args[0]).expanduser(), "WHEEL")
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    wheel, before, pin = PIN.with_name(name), settings(), PIN.read_text("utf-8")
    was_there = wheel.read_bytes() if wheel.exists() else None
    wheel.write_bytes(content)
    PIN.write_text(pinned(name, content), "utf-8")
    if _install():
        PIN.write_text(pin, "utf-8")
        wheel.unlink() if was_there is None else wheel.write_bytes(was_there)
        _install()
        sys.stderr.write("error: it cannot be installed by requirements.lock; all is as it was\n")
        return 1
    for old in PIN.parent.glob("litmore-*.whl"):
        if old != wheel:
            old.unlink()
    after = settings()
    told = ["what changes cannot be told: python main.py schema has failed"]
    for line in told if before is None or after is None else difference(before, after):
        sys.stdout.write(f"{line}\n")
    sys.stderr.write(f"{PIN} names {name} now. Next:\n  make test\n")
    return 0


def _install() -> int:
    """Litmore by its hash, and what it needs, which requirements.lock may not know yet."""
    by_hash = ["--no-deps", "--force-reinstall", "--require-hashes", "--requirement", str(PIN)]
    for more in (by_hash, ["--constraint", "requirements.lock", "--editable", ".[dev]"]):
        if code := subprocess.run([*PIP, *more], check=False).returncode:
            return code
    return 0


def settings() -> Settings | None:
    """All that configs may hold, by the installed litmore's schema: their types and defaults."""
    path = Path("configs/.upgrade.json")  # of the configs beside it, whose classes are in it, too
    command = [sys.executable, "main.py", "schema", "--output", str(path)]
    try:
        if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
            return None
        return dict(_settings(json.loads(path.read_text("utf-8"))))
    finally:
        path.unlink(missing_ok=True)


def _settings(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, of in schema.get("$defs", {}).items():
        yield from _properties(name, of)
    yield from _properties("", schema)


def _properties(prefix: str, schema: Any) -> Iterator[tuple[str, str]]:
    """Those of a schema and of its alternatives; a class's are under its own name."""
    for each in schema.get("anyOf", []):
        yield from _properties(prefix, each)
    for name, of in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        if name.endswith("+") or name in ("class_path", "init_args", "dict_kwargs"):
            continue
        inner = dict(_properties(path, of)) if isinstance(of, dict) else {}
        yield from inner.items()
        if not inner:
            said = {key: value for key, value in of.items() if key != "description"}
            yield path, json.dumps(said, sort_keys=True)


def difference(before: Settings, after: Settings) -> Iterator[str]:
    """A line for each setting that came, went, or is another now."""
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield f"+ {name}"
        elif name not in after:
            yield f"- {name}"
        elif before[name] != after[name]:
            yield f"~ {name}: {before[name]} → {after[name]}"
    if before == after:
        yield "the same settings as before"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
