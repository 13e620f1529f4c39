"""The `m2t` command as a process: also `python -m m2t`."""

import gc
import sys

from m2t.cli import main


def run() -> int:
    """Run the command line and return the exit code of the process, which ends after that."""
    code = main()
    gc.freeze()  # searching all that is left for garbage would take a tenth of a decode
    return code


if __name__ == "__main__":
    sys.exit(run())
