"""A network in the analysis, in integers: the same tokens however they are computed."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from m2t import Target
from m2t.cli import main
from m2t.codec import Codec
from m2t.config import STRIDE, Aim
from m2t.engine.reference import ReferenceDistortions
from m2t.lapped.transforms import LappedTransforms
from m2t.weights import read_weights
from m2t.weights.file import LAPPED

from .attacks.weights_files import with_network
from .conftest import photograph, same
from .test_lapped import AIMS, PICTURE, all_ways, nothing
from .test_rows import Counting

AIM = Aim(60, "eye")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with a network in the analysis."""
    path = tmp_path_factory.mktemp("weights") / "network.safetensors"
    path.write_bytes(with_network())
    return path


@pytest.fixture(scope="module")
def every_way(path: Path) -> dict[str, LappedTransforms]:
    return all_ways(path)


@pytest.fixture
def nonlinear(path: Path) -> Codec:
    return Codec.load(path)


def test_the_network_moves_tokens(codec: Codec, nonlinear: Codec) -> None:
    linear, moved = (c.analyse(PICTURE, AIM) for c in (codec, nonlinear))
    assert nonlinear.transforms.exact
    assert (linear != moved).mean() > 0.2
    assert np.abs(linear - moved).max() < 1000


@pytest.mark.parametrize("size", [(100, 150), (1, 1), (17, 33), (16, 16), (200, 3)])
def test_all_operations_and_threads_and_bands_give_the_same(every_way, size, monkeypatch) -> None:
    monkeypatch.setattr("m2t.engine.threads.FEWEST_PLACES", 1)
    rgb, expected = np.asarray(photograph(*size[::-1])), None
    for name, transforms in every_way.items():
        for num_threads, area in ((1, 4096), (3, 4096), (2, 10), (1, 1)):
            monkeypatch.setattr("m2t.lapped.transforms.TOKENS_PER_BAND", area)
            sums = transforms.unrounded(rgb, num_threads, nothing)
            for aim in AIMS:
                y_hat = transforms.analyse(rgb, aim, num_threads, nothing)
                assert np.array_equal(transforms.rounded(sums, aim), y_hat), (name, area)
            expected = sums if expected is None else expected
            assert np.array_equal(sums, expected), (name, num_threads, area)


def test_a_piece_with_what_it_sees_has_the_tokens_of_the_whole(nonlinear: Codec) -> None:
    """The halo of the analysis on each side; a token less may not be enough."""
    rgb, (top, left) = np.asarray(photograph(320, 320)), (9, 8)
    transforms, same = nonlinear.transforms, []
    whole = transforms.unrounded(rgb, 1, nothing)
    for halo in (4, 3):
        pixels = tuple(slice((n - halo) * STRIDE, (n + 2 + halo) * STRIDE) for n in (top, left))
        piece = transforms.unrounded(rgb[pixels], 1, nothing)[halo:-halo, halo:-halo]
        same.append(np.array_equal(piece, whole[top : top + 2, left : left + 2]))
    assert same == [True, False]
    assert nonlinear.config.transform.analysis_halo == 4


@pytest.mark.parametrize("size", [(150, 700), (700, 150)])
def test_parts_have_the_tokens_of_the_whole(nonlinear: Codec, size, monkeypatch) -> None:
    image = photograph(*size)
    whole = nonlinear.compress(image, 60, effort=0)
    limit = len(nonlinear.compress(image, Target("size", len(whole)), effort=0))
    monkeypatch.setattr("m2t.encoder.parts.LARGEST_WHOLE", 1)
    monkeypatch.setattr("m2t.encoder.parts.TOKENS_PER_PART", 60)
    assert nonlinear.compress(image, 60, effort=0) == whole
    target = nonlinear.compress(image, Target("size", len(whole)), effort=0)
    assert 0.95 * len(whole) <= limit <= len(whole)
    assert len(target) == limit


def test_bands_compute_each_place_once_and_hold_few(path: Path, monkeypatch) -> None:
    monkeypatch.setattr("m2t.lapped.transforms.TOKENS_PER_BAND", 16)
    found, ops = read_weights(path), Counting()
    transforms = LappedTransforms(found.config, found.below(LAPPED), ops, ReferenceDistortions())

    def computed(rows: int) -> tuple[int, int]:
        """Places of convolutions, and bytes beyond those of the tokens."""
        rgb, ops.places = np.asarray(photograph(64, STRIDE * rows)), 0
        tracemalloc.start()
        y_hat = transforms.analyse(rgb, AIM, 1, nothing)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return ops.places, most - y_hat.nbytes

    computed(1)  # what is made at the first call stays
    (few_places, few_bytes), (places, num_bytes) = computed(50), computed(150)
    assert places == 3 * few_places
    assert num_bytes < 1.2 * few_bytes


def test_from_file_to_file(nonlinear: Codec, path: Path, tmp_path: Path, capsys) -> None:
    source, coded, decoded = (tmp_path / name for name in ("a.png", "a.m2t", "b.png"))
    photograph(83, 61).save(source)
    model = ["--model", str(path)]
    assert main(["compress", str(source), str(coded), "-q", "80", *model]) == 0
    assert main(["decompress", str(coded), str(decoded), *model]) == 0
    with Image.open(decoded) as image:
        assert same(image, nonlinear.decompress(nonlinear.compress(photograph(83, 61), 80)))
    capsys.readouterr()
    assert main(["info", "--verify", str(coded), *model]) == 0
    assert "pixels    sha256" in capsys.readouterr().out
