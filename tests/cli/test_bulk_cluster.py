"""Archives on a real cluster of several node processes, with a store of objects, and kills."""

import io
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ray = pytest.importorskip("ray", reason="needs 'm2t[cluster]'")
pytest.importorskip("moto", reason="needs moto")
parquet = pytest.importorskip("pyarrow.parquet")

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402
from PIL import Image  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

from m2t.codec import Codec  # noqa: E402
from tests.conftest import TINY, photograph  # noqa: E402

NUM_NODES = 3
NUM_PICTURES = int(os.environ.get("M2T_BULK_PICTURES", "300"))
"""runs/bulk.sh has 2,000."""
BROKEN = range(50, NUM_PICTURES, 100)
"""One in a hundred: cut short, empty, or no picture at all."""
OPTIONS = ["--model", str(TINY), "--effort", "0", "--batch", "4"]
PROGRAM = [sys.executable, "-m", "m2t", "bulk"]
SECONDS = 600
"""For a machine with much else to do; on a quiet one all of it takes about one."""
MARK = "M2T_TEST_CLUSTER"


@pytest.fixture(scope="module")
def environment():
    """Variables of all processes of the cluster, by which they are found as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")  # on this machine alone
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("RAY_worker_register_timeout_seconds", str(SECONDS))
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv(MARK, secrets.token_hex(8))
        yield patch


@pytest.fixture(scope="module")
def s3(environment):
    """A store of objects, empty but for one bucket."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    address, port = server.get_host_and_port()
    environment.setenv("AWS_ENDPOINT_URL", f"http://{address}:{port}")
    client = boto3.client("s3")
    client.create_bucket(Bucket="bucket")
    yield client
    client.close()
    server.stop()


@pytest.fixture(scope="module")
def cluster(environment, s3):
    """Nodes of one CPU each. What they set for signals, in this very process, ends with them."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    quiet = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **quiet})
    for _ in range(NUM_NODES - 1):
        cluster.add_node(num_cpus=1, object_store_memory=quiet["object_store_memory"])
    environment.setenv("RAY_ADDRESS", cluster.address)
    yield cluster
    cluster.shutdown()
    for number, handler in handlers.items():
        signal.signal(number, handler)


def objects(s3: Any, prefix: str, suffix: str = "") -> dict[str, int]:
    """Key below a prefix of the bucket -> size."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix=prefix)
    found = [entry for page in pages for entry in page.get("Contents", ())]
    return {e["Key"]: e["Size"] for e in found if e["Key"].endswith(suffix)}


def get(s3: Any, key: str) -> bytes:
    return s3.get_object(Bucket="bucket", Key=key)["Body"].read()


def ledger(s3: Any, prefix: str) -> list[dict[str, Any]]:
    parts = sorted(objects(s3, prefix, ".parquet"))
    files = (io.BytesIO(get(s3, part)) for part in parts)
    return [row for file in files for row in parquet.read_table(file).to_pylist()]


def until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for something that a process does; it must not end before."""
    start = time.monotonic()
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() - start < SECONDS
        time.sleep(0.02)


def workers() -> list[int]:
    """The processes of our cluster's workers that have begun."""
    mark = f"{MARK}={os.environ[MARK]}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            ours = mark in (path / "environ").read_bytes().split(b"\0")
            if ours and (path / "cmdline").read_bytes().startswith(b"ray::_Actor"):
                found.append(int(path.name))
        except OSError:  # it has ended
            continue
    return found


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "m2t", "bulk", *args)


def python(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *args]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)


def test_nothing_is_lost_and_nothing_is_done_twice(cluster, s3):
    rng = random.Random(0)
    pictures = {}
    for i in range(NUM_PICTURES):
        buffer = io.BytesIO()
        photograph(rng.randrange(17, 60), rng.randrange(17, 60), seed=i).save(buffer, "png")
        data = buffer.getvalue()
        if i in BROKEN:
            data = (data[: len(data) // 2], b"", b"no picture")[i // 100 % 3]
        pictures[f"in/{i % 7}/{i}.png"] = data
        s3.put_object(Bucket="bucket", Key=f"in/{i % 7}/{i}.png", Body=data)
    command = [*PROGRAM, "s3://bucket/in", "s3://bucket/out", *OPTIONS]
    num_made = lambda: len(objects(s3, "out/", ".m2t"))  # noqa: E731

    driver = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until(lambda: num_made() >= 10, driver)
    os.kill(rng.choice(workers()), signal.SIGKILL)
    until(lambda: len(objects(s3, "out/ledger/")) > 1, driver)
    driver.kill()
    driver.communicate()
    told = len([row for row in ledger(s3, "out/ledger/") if row["error"] is None])
    assert 0 < told < NUM_PICTURES - len(BROKEN)

    driver = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    before = num_made()
    until(lambda: num_made() >= min(before + 10, NUM_PICTURES - 20), driver)
    cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
    *lines, sums = driver.communicate(timeout=SECONDS)[1].splitlines()
    failures = [line for line in lines if line.startswith("m2t: error: s3://bucket/in/")]
    assert driver.returncode == 1
    made, done, failed = sums.split("; ")[:3]
    assert made.startswith(f"{NUM_PICTURES - len(BROKEN) - told:,} made of ")
    assert done == f"{told:,} done already"
    assert failed == f"{len(BROKEN)} failed"
    assert len(failures) == len(BROKEN)

    last = {row["input"]: row for row in ledger(s3, "out/ledger/")}
    assert len(last) == NUM_PICTURES
    assert sum(row["error"] is not None for row in last.values()) == len(BROKEN)
    sound = [key for i, key in enumerate(pictures) if i not in BROKEN]
    wanted = {f"out{key[2:-4]}.m2t" for key in sound}
    assert set(objects(s3, "out/", ".m2t")) == wanted
    codec = Codec.load(TINY)
    for key in rng.sample(sound, 20):
        single = codec.compress(Image.open(io.BytesIO(pictures[key])), 50, effort=0)
        assert get(s3, f"out{key[2:-4]}.m2t") == single, key


def test_shards_in_a_bucket_and_pictures_from_a_dataset(cluster, s3):
    """In Python, beside a run of the command that brings back what it made."""
    for i in range(9):
        buffer = io.BytesIO()
        photograph(40, 30, seed=i).save(buffer, "png")
        s3.put_object(Bucket="bucket", Key=f"few/{i}.png", Body=buffer.getvalue())
    s3.put_object(Bucket="bucket", Key="few/bad.png", Body=b"no picture")
    found = run("s3://bucket/few", "s3://bucket/sharded", *OPTIONS, "--shards", "4")
    assert found.returncode == 1, found.stderr
    names = [f"sharded/shard-{i:06}.tar" for i in range(3)]
    assert sorted(objects(s3, "sharded/", ".tar")) == names
    code = f"""
import ray, m2t.bulk
pictures = ray.data.read_binary_files("s3://bucket/few", include_paths=True, num_cpus=0)
files = m2t.bulk.compress_dataset(pictures, 50, effort=0, model={str(TINY)!r}, num_workers=1)
rows = files.take_all()
for row in rows:
    name = row["path"].rpartition("/")[2]
    print("row", name, row["sha256"], len(row["m2t"] or b""), row["error"])
"""
    result = python("-c", code)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()  # some are Ray's, of the node that was lost
    split = (line.split(" ", 4)[1:] for line in lines if line.startswith("row "))
    rows = {name: rest for name, *rest in split}
    for row in ledger(s3, "sharded/ledger/"):
        sha256, size, error = rows.pop(row["input"].rpartition("/")[2])
        assert error == str(row["error"])
        assert (sha256, int(size)) == (row["sha256"], row["output_bytes"] or 0)
    assert not rows


def test_an_engine_of_its_own(environment, folder):
    environment.delenv("RAY_ADDRESS", raising=False)
    Path("in").mkdir()
    photograph(40, 30).save("in/a.png")
    assert run("in", "out", *OPTIONS).returncode == 0
    result = run("verify", "out", "--model", str(TINY))
    assert (result.returncode, result.stderr.split(";")[0]) == (0, "1 sound")
