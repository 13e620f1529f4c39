"""Pictures too large for the encoder at once, in parts; here parts of a row of windows each."""

import numpy as np
import pytest

from m2t.checksums import latents_sha256
from m2t.codec import Codec
from m2t.config import Aim
from m2t.container import parse
from m2t.encoder.parts import parts_of
from m2t.geometry.windows import cut
from m2t.image import to_picture

from .conftest import photograph

IMAGE = photograph(150, 700)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2t.encoder.parts.LARGEST_WHOLE", 1)
    monkeypatch.setattr("m2t.encoder.parts.TOKENS_PER_PART", 1)


def test_tokens_that_nothing_moves_are_those_of_the_whole(codec: Codec, request) -> None:
    whole = codec.compress(IMAGE, 60, effort=0)
    request.getfixturevalue("rows")
    assert codec.compress(IMAGE, 60, effort=0) == whole


@pytest.mark.parametrize("tune", ["eye", "psnr"])
def test_moved_tokens_are_nearly_those_of_the_whole(codec: Codec, tune, request) -> None:
    whole = codec.compress(IMAGE, 60, tune=tune)
    request.getfixturevalue("rows")
    parts = codec.compress(IMAGE, 60, tune=tune)
    before, after = (codec.decode_latents(parse(data)) for data in (whole, parts))
    assert np.mean(before != after) < 0.02
    assert abs(len(parts) - len(whole)) < 0.01 * len(whole)
    expected = codec.tokens(to_picture(IMAGE), Aim(60, tune))
    assert latents_sha256(after) == latents_sha256(expected)


def test_layers_are_cut_from_the_streams_of_all_parts(codec: Codec, rows) -> None:
    strips, layers = (parse(codec.compress(IMAGE, 60, layers=n)) for n in (1, 3))
    assert layers.windows == strips.windows
    whole, same = (codec.decompress(stream.pack()) for stream in (strips, layers))
    assert whole.tobytes() == same.tobytes()


@pytest.mark.parametrize("effort", [0, 1, 3])
def test_progress_goes_to_1(codec: Codec, rows, effort: int) -> None:
    shares: list[float] = []
    codec.compress(IMAGE, effort=effort, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("size", [(1, 1), (44, 10), (100, 3)])
def test_parts_are_all_windows_in_order(codec: Codec, rows, size: tuple[int, int]) -> None:
    parts = parts_of(codec.config, *size)
    windows = cut(*size, codec.config.entropy.window)
    assert [window for part in parts for window in part.windows] == windows
    assert sum(part.block.area for part in parts) == size[0] * size[1]
    assert len(parts) == len({window.top for window in windows})
    for part in parts:
        assert part.context.common(part.block) == part.block
