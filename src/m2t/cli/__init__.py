"""The `m2t` command. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

A command's module is imported when the command is asked for, and imports what is heavy when it is
run, so that help and info are instant.
"""

from collections.abc import Sequence
from importlib import import_module

import click

from .. import __version__
from ..errors import describe
from .messages import complain

COMMANDS = {
    name: name
    for name in (
        *("compress", "decompress", "verify", "info", "inspect", "compare"),
        *("bulk", "bench", "train", "export", "completion"),
    )
} | {"eval": "evaluate"}
"""Command -> the module that has it, and its name there."""


class Commands(click.Group):
    """The commands of COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        name = COMMANDS[cmd_name]
        return getattr(import_module(f".{name}", __name__), name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__, "-V", "--version", prog_name="m2t", message="%(prog)s %(version)s"
)
def cli() -> None:
    """M2T, a learned image codec."""


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
