"""Prints the oldest versions that pyproject.toml allows, as constraints for pip: `make lowest`.

Of what runs, and of the tools of its tests.
"""

import re
import tomllib
from pathlib import Path

TOOLS = ("pytest", "hypothesis", "scipy", "constriction")


def main() -> None:
    """Print a line for each package."""
    text = Path(__file__).parents[1].joinpath("pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    tools = project["optional-dependencies"]["dev"]
    wanted = [line for line in tools if re.match(r"[\w-]+", line)[0] in TOOLS]  # pyright: ignore
    for line in (*project["dependencies"], *wanted):
        print(line.replace(">=", "=="))


if __name__ == "__main__":
    main()
