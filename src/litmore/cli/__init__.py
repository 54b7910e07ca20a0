"""The command line: `litmore fit | validate | test | predict | sample`."""

import os

# Read when jsonargparse is imported: its warnings are about calls that Lightning makes.
os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")

from litmore.cli.main import main

__all__ = ["main"]
