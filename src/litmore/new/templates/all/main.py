"""Train, judge, compare: `python main.py fit --config configs/my_project.yaml`, or `--help`."""

import sys

from litmore.__main__ import run

if __name__ == "__main__":
    sys.exit(run())
