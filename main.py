"""Run litmore: `python main.py fit --config configs/mlp.yaml`, or `--help`."""

import sys

from litmore.__main__ import run

if __name__ == "__main__":
    sys.exit(run())
