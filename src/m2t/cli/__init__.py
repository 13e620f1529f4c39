"""The `m2t` command. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

Command modules import PyTorch and the like inside their functions, so that help and info are
instant.
"""

from collections.abc import Sequence

import click

from .. import __version__
from .bench import bench
from .compress import compress
from .decompress import decompress
from .evaluate import evaluate
from .export import export
from .info import info
from .inspect import inspect
from .messages import complain, describe
from .train import train


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__, "-V", "--version", prog_name="m2t", message="%(prog)s %(version)s"
)
def cli() -> None:
    """M2T, a learned image codec."""


for _command in (compress, decompress, info, inspect, bench, evaluate, train, export):
    cli.add_command(_command)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line `args` (default: sys.argv) and return the exit code.

    What a user can cause is told in one line on stderr; an exception that leaves is a bug.
    """
    try:
        return cli.main(args, prog_name="m2t", standalone_mode=False) or 0
    except click.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Exception as error:
        reason = describe(error)
        if reason is None:
            raise
        complain(reason)
        return 1
