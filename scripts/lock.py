"""Write requirements.lock, and requirements.hashes: the same versions, with hashes of their files.

`make lock` keeps the versions and adds what pyproject.toml asks for by now; `make lock
ARGS=--upgrade` takes the newest that it allows. Both files are of all systems and Pythons, with one
version a package; one that only some need has a marker. torch is pinned by hand:
its builds for CPUs and for each CUDA have other hashes, and other packages below them.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from importlib.metadata import requires
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK, HASHES = ROOT / "requirements.lock", ROOT / "requirements.hashes"
PYTHON = "3.11.5"
"""The oldest that all of the packages take."""

OF_CUDA = re.compile(r"nvidia|triton|cuda")

HEAD = "# The exact versions that `make` installs. `make lock` writes this file.\n"
HEAD_OF_HASHES = """\
# The versions of requirements.lock, with their files' hashes. `make lock` writes this file.
# torch is not in it: each of its builds, for CPUs and each CUDA, has its own. To install by them:
#   pip install --no-deps --require-hashes -r requirements.hashes
#   pip install %s
#   pip install --no-deps --no-build-isolation --editable .
"""


def main() -> None:
    """Have uv resolve it, and write both."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    upgrade = parser.parse_args().upgrade
    known = [line for line in LOCK.read_text("utf-8").splitlines() if "==" in line]
    torch = next(line for line in known if line.startswith("torch=="))
    known.remove(torch)
    below = [each for each in requires("torch") or [] if "extra ==" not in each]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {
            "below.in": [each for each in below if not OF_CUDA.match(each)],
            "excludes": ["torch"],
            "constraints": [] if upgrade else known,
        }
        for file, lines in files.items():
            (folder / file).write_text("".join(f"{line}\n" for line in lines), "utf-8")
        subprocess.run(
            [
                *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--system-certs"),
                *(ROOT / "pyproject.toml", folder / "below.in", "--all-extras"),
                *("--universal", "--fork-strategy", "fewest", "--python-version", PYTHON),
                *(
                    "--generate-hashes",
                    "--no-header",
                    "--no-annotate",
                    "--no-emit-index-url",
                    "--no-emit-find-links",
                ),
                *("--excludes", folder / "excludes", "--constraints", folder / "constraints"),
                *("--output-file", folder / "out"),
            ],
            check=True,
        )
        hashed = (folder / "out").read_text("utf-8")
    HASHES.write_text(HEAD_OF_HASHES % torch + hashed, "utf-8")
    versions = [line.removesuffix("\\").strip() for line in hashed.splitlines() if line[0] != " "]
    LOCK.write_text(HEAD + "".join(f"{line}\n" for line in sorted([*versions, torch])), "utf-8")


if __name__ == "__main__":
    main()
