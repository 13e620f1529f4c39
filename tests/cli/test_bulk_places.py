"""Archives in shards, in stores that are no folders, of other models. Without processes."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest
from bulk_inline import rows, save, tree

from m2t.cli import main
from m2t.container import parse
from tests.conftest import TINY
from tests.test_golden import FOLDER as GOLDEN

pytest.importorskip("ray", reason="needs 'm2t[cluster]'")
fsspec = pytest.importorskip("fsspec")
read_table = pytest.importorskip("pyarrow.parquet").read_table


def test_shards(bulk):
    save(*(f"in/{i}/p.{i}.png" for i in range(5)))
    assert bulk("in", "out", "--shards", "2").startswith("5 made")
    names = [f"shard-{i:06}.tar" for i in range(3)]
    assert tree("out", ".tar") == names
    index = json.loads(Path("out/index.json").read_text())
    assert [(x["url"], x["nsamples"]) for x in index["shardlist"]] == [
        *zip(names, (2, 2, 1), strict=True)
    ]
    bulk("in", "plain")
    for row in rows():
        data = Path(row["output"]).read_bytes()[row["offset"] :][: row["output_bytes"]]
        name = Path(row["input"]).relative_to(Path("in").absolute()).with_suffix(".m2t")
        assert data == Path("plain", name).read_bytes()
    with tarfile.open("out/shard-000000.tar") as tar:
        members = [member.name for member in tar]
    assert members == ["0/p%2E0.m2t", "0/p%2E0.json", "1/p%2E1.m2t", "1/p%2E1.json"]
    assert bulk("in", "out", "--shards", "2").startswith("0 made; 5 done already")
    assert bulk("verify", "out").startswith("5 sound")
    assert bulk("decompress", "out", "back").startswith("5 made")
    assert tree("back", ".png") == [f"{i}/p.{i}.png" for i in range(5)]
    assert bulk("decompress", "out", "back").startswith("0 made; 5 done already")
    with Path("out/shard-000000.tar").open("r+b") as file:
        file.seek(rows()[0]["offset"])
        file.write(b"damage")
    assert bulk("verify", "out", code=1).startswith("4 sound")
    assert "shard-000000.tar/0/p%2E0.m2t: not an .m2t file" in bulk.err


def test_no_part_of_a_ledger_ends_within_a_shard(bulk, monkeypatch):
    """A run that is killed in between would have the rest of the shard made again, in another."""
    monkeypatch.setattr("m2t.bulk.ledger.MOST_ROWS", 1)
    save(*(f"in/{i}.png" for i in range(6)))
    assert bulk("in", "out", "--shards", "3").startswith("6 made")
    parts = [read_table(part).to_pylist() for part in sorted(Path("out/ledger").iterdir())]
    outputs = [[Path(row["output"]).name for row in part] for part in parts]
    assert outputs == [[], ["shard-000000.tar"] * 3, ["shard-000001.tar"] * 3]


def test_a_picture_in_a_shard_that_gets_a_rival_is_not_put_into_another(bulk):
    save("in/a.png", "in/b.png")
    bulk("in", "out", "--shards", "2")
    save("in/a.jpg")
    assert "; 2 failed" in bulk("in", "out", "--shards", "2", code=1)
    Path("in/a.jpg").unlink()
    assert bulk("in", "out", "--shards", "2").startswith("0 made; 2 done already")


def test_shards_of_a_killed_run_are_made_again(bulk):
    save(*(f"in/{i}.png" for i in range(4)))
    bulk("in", "out", "--shards", "2")
    sound = Path("out/shard-000000.tar").read_bytes()
    Path("out/shard-000001.tar").rename("out/shard-000007.tar")  # whole, but not in the ledger
    assert bulk("in", "out", "--shards", "2").startswith("2 made")
    assert tree("out", ".tar") == ["shard-000000.tar", "shard-000001.tar"]
    assert Path("out/shard-000000.tar").read_bytes() == sound
    save("in/0.png", size=(9, 9))
    assert "; 1 failed" in bulk("in", "out", "--shards", "2", code=1)
    assert "0.png: changed, or is wanted otherwise" in bulk.err
    Path("else").mkdir()
    Path("else/shard-000000.tar").touch()
    bulk("in", "else", "--shards", "2", code=1)
    assert "no ledger tells of it" in bulk.err


def test_a_store_that_is_no_folder(bulk):
    """Its names are URLs, and what is below the archive is no source."""
    files = fsspec.filesystem("memory")
    save("a.png", "b.jpg")
    for name in ("/in/a.png", "/in/b/c.PNG", "/in/.d.png", "/in/notes.txt"):
        files.pipe_file(name, Path("a.png").read_bytes())
    assert bulk("memory://in", "memory://in/out").startswith("2 made")
    assert "; 2 left out" in bulk.err
    assert bulk("memory://in", "memory://in/out").startswith("0 made; 2 done already")
    found = sorted(name for name in files.find("/in/out") if name.endswith(".m2t"))
    assert found == ["/in/out/a.m2t", "/in/out/b/c.m2t"]
    assert bulk("verify", "memory://in/out").startswith("2 sound")
    assert bulk("memory://in/*.png", "near").startswith("1 made")
    files.pipe_file("/lists/list.csv", b"path\n/in/b/c.PNG\nmemory://in/a.png\n")
    files.rm("/in", recursive=True)
    files.pipe_file("/in/a.png", Path("a.png").read_bytes())
    assert bulk("memory://lists/list.csv", "listed", code=1).startswith("1 made")
    assert "c.PNG: No such file or directory" in bulk.err
    assert tree("listed", ".m2t") == ["in/a.m2t"]


def test_transcoding_keeps_quality_and_tune(folder, inline, capsys):
    """From one model to another; what is of that one already is taken over."""
    Path("in").mkdir()
    for name in ("integers_eye", "integers_psnr"):
        shutil.copy(GOLDEN / f"{name}.m2t", "in")
    options = ["--from-model", str(GOLDEN / "integers.safetensors"), "--model", str(TINY)]
    assert main(["bulk", "transcode", "in", "out", *options]) == 0
    for path in Path("in").iterdir():
        old, new = (parse(x.read_bytes()).header for x in (path, Path("out", path.name)))
        assert (old.aim, old.width, old.height) == (new.aim, new.width, new.height)
        assert old.model_id != new.model_id
    assert main(["bulk", "transcode", "out", "again", "--model", str(TINY)]) == 0
    assert main(["bulk", "transcode", "out", "lower", "-q", "10", "--model", str(TINY)]) == 0
    for path in Path("out").glob("*.m2t"):
        assert Path("again", path.name).read_bytes() == path.read_bytes()
        assert parse(Path("lower", path.name).read_bytes()).header.quality == 10
    assert main(["bulk", "transcode", "out", "out", "-q", "10", "--model", str(TINY)]) == 1
    assert "input and output are the same file" in capsys.readouterr().err
