"""What tests of `m2t bulk` have in common: runs without processes, and what comes of them."""

from pathlib import Path

from PIL import Image

from m2t.workers import Died


class Inline:
    """Stands for the process that works."""

    def __init__(self, prepare):
        self.work = prepare()

    def give(self, data):
        self.data = data

    def answer(self):
        if b"deadly" in self.data:
            return Died("its process was killed by signal 9")
        return self.work(self.data)


class Bulk:
    """Runs `m2t bulk`."""

    def __init__(self, m2t):
        self.m2t, self.err = m2t, ""

    def __call__(self, *args: object, code: int = 0) -> str:
        """The last line that it tells, without the seconds."""
        result = self.m2t("bulk", *args)
        self.err = result.err
        assert result.code == code, result.err
        return result.err.splitlines()[-1].rpartition(";")[0]


def save(*paths: str, size=(4, 3)) -> None:
    for i, path in enumerate(paths):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (i, len(path), 3)).save(path)


def tree(folder: str, suffix: str = "") -> list[str]:
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return [str(path.relative_to(folder)) for path in paths if path.name.endswith(suffix)]


def rows(folder: str = "out/ledger") -> list[dict]:
    from pyarrow.parquet import read_table  # noqa: PLC0415 - not installed everywhere

    parts = sorted(Path(folder).glob("*.parquet"))
    return [row for part in parts for row in read_table(part).to_pylist()]
