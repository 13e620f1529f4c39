"""The `m2t` command as a process: also `python -m m2t`."""

import gc
import os
import sys

from m2t.cli import main


def run() -> int:
    """Run the command line and return the exit code of the process, which ends after that."""
    _open_streams()
    code = main()
    gc.freeze()  # searching all that is left for garbage would take a tenth of a decode
    return code


def _open_streams() -> None:
    """Where a standard stream is closed, have the next file that is opened not take its place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(run())
