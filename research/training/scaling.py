"""How the loss of models of several sizes falls with training time.

    python -m research.training.scaling SIZE-MINUTES.json ... --out FILE

Takes the results of outcome.py of runs of several lengths, each with its whole schedule. For each
size, loss = floor + drop * hours^-power, with one power for all; then tells what each size would
reach in so many hours, and so which one to train.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from m2t.eval.table import markdown

POWERS = np.linspace(0.05, 1.5, 146)
HOURS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Point(NamedTuple):
    """One run."""

    hours: float
    loss: float


class Law(NamedTuple):
    """loss = floor + drop * hours^-power"""

    floor: float
    drop: float
    power: float

    def loss(self, hours: float) -> float:
        """What is expected after so many hours."""
        return self.floor + self.drop * hours**-self.power


def main() -> None:
    """Write FILE, and print it as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", metavar="JSON", help="SIZE-MINUTES.json")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    points: dict[str, list[Point]] = {}
    for path in options.results:
        points.setdefault(path.stem.rpartition("-")[0], []).append(read(path))
    laws, error = fit(points)
    result = summary(points, laws, error)
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(table(result))


def read(path: Path) -> Point:
    """Time in all, on two cores if a GPU stood for them, and loss on photographs of validation."""
    result = json.loads(path.read_text())
    minutes = result.get("minutes_of_two_cores")
    if minutes is None:
        minutes = sum(stage["seconds"] for stage in result["stages"]) / 60
    return Point(minutes / 60, result["validation"]["loss"])


def fit(points: Mapping[str, Sequence[Point]]) -> tuple[dict[str, Law], float]:
    """The laws of all sizes, and the root mean square of what they miss the points by."""

    def with_power(power: float) -> tuple[float, dict[str, Law]]:
        square, laws = 0.0, {}
        for size, its in points.items():
            hours, losses = np.array(its).T
            columns = np.stack([np.ones_like(hours), hours**-power], 1)
            floor, drop = np.linalg.lstsq(columns, losses, rcond=None)[0]
            laws[size] = Law(float(floor), float(drop), float(power))
            square += float(np.square(columns @ (floor, drop) - losses).sum())
        return square, laws

    square, laws = min(map(with_power, POWERS), key=lambda result: result[0])
    return laws, (square / sum(map(len, points.values()))) ** 0.5


def summary(
    points: Mapping[str, Sequence[Point]], laws: Mapping[str, Law], error: float
) -> dict[str, Any]:
    """Everything as JSON holds it."""
    sizes = {
        size: {
            "points": [point._asdict() for point in sorted(points[size])],
            "law": law._asdict(),
            "expected": [{"hours": hours, "loss": round(law.loss(hours), 4)} for hours in HOURS],
        }
        for size, law in laws.items()
    }
    return {"schema": 1, "error": round(error, 5), "sizes": sizes}


def table(result: Mapping[str, Any]) -> str:
    """Expected losses in Markdown."""
    rows = [
        (size, *(f"{point['loss']:.3f}" for point in its["expected"]))
        for size, its in result["sizes"].items()
    ]
    return markdown(("size", *(f"{hours:g} h" for hours in HOURS)), rows)


if __name__ == "__main__":
    main()
