"""`m2t completion`: what a shell needs to complete commands, options and names of files."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes m2t in SHELL.

    For bash: echo 'eval "$(m2t completion bash)"' >> ~/.bashrc. For zsh the same, with zsh, into
    ~/.zshrc. For fish: m2t completion fish > ~/.config/fish/completions/m2t.fish.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = ctx.find_root()
    script = kind(root.command, {}, "m2t", "_M2T_COMPLETE")
    # Its source() would start the shell first, to see how old it is.
    click.echo(script.source_template % script.source_vars())
