import dataclasses
import os
from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image

from m2t.errors import ConfigError, ImageError
from m2t.image import open_image, to_picture
from m2t.learn.training.config import TrainConfig
from m2t.learn.training.data import Crops, Images, open_images, prefetch
from tests.conftest import photograph

CONFIG = TrainConfig(batch_tokens=72, crops=((4, 6), (6, 6)))


@pytest.fixture
def images(photos, tmp_path) -> Images:
    return open_images(photos, tmp_path / "cache")


def test_cache_holds_the_pixels(photos, images):
    for i, name in enumerate(images.names):
        with Image.open(photos / name) as image:
            np.testing.assert_array_equal(images[i], np.asarray(image))


def test_pictures_are_upright_and_in_srgb(tmp_path):
    """As the codec sees them, or it would learn from other pictures than it codes."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned
    photograph(40, 60).save(tmp_path / "a.jpg", exif=exif)
    photograph(40, 60).convert("CMYK").save(tmp_path / "b.jpg")
    images = open_images(tmp_path, tmp_path / "cache")
    for i, name in enumerate(images.names):
        seen = to_picture(open_image(tmp_path / name)).rgb
        np.testing.assert_array_equal(images[i], seen)
    assert images[0].shape == (40, 60, 3)


def test_cache_is_kept_until_the_images_change(photos, tmp_path):
    listing = tmp_path / "list.txt"
    listing.write_text("".join(f"{path}\n" for path in sorted(photos.iterdir())))
    open_images(listing, tmp_path / "cache")
    index = tmp_path / "cache" / "index.json"
    os.utime(index, (0, 0))
    open_images(listing, tmp_path / "cache")
    assert index.stat().st_mtime == 0
    listing.write_text("".join(f"{path}\n" for path in sorted(photos.iterdir())[1:]))
    assert len(open_images(listing, tmp_path / "cache").names) == 4
    assert index.stat().st_mtime > 0
    assert sorted(p.name for p in index.parent.iterdir()) == ["index.json", "pixels.bin"]


def test_unusable_data_is_named(tmp_path, photos):
    with pytest.raises(ConfigError, match="two images"):
        open_images(tmp_path, tmp_path / "cache")
    with pytest.raises(ConfigError, match=r"missing\.txt"):
        open_images(tmp_path / "missing.txt", tmp_path / "cache")
    (tmp_path / "a.png").write_bytes(b"not a picture")
    listing = tmp_path / "list.txt"
    listing.write_text(f"a.png\n{photos / '0.png'}\n")  # relative to the list
    with pytest.raises(ImageError, match=r"a\.png"):
        open_images(listing, tmp_path / "cache")


def test_batches_depend_on_seed_and_step_only(images):
    batches = [Crops(images, CONFIG).batch(step) for step in range(6)]
    again = Crops(images, CONFIG)
    for step in (5, 0, 3):
        assert torch.equal(again.batch(step), batches[step])
    assert not torch.equal(batches[4], batches[5])
    assert {batch.shape for batch in batches} == {(3, 3, 64, 96), (2, 3, 96, 96)}


@pytest.mark.parametrize("workers", [0, 2])
def test_prefetched_batches_come_in_order(images, workers):
    crops = Crops(images, dataclasses.replace(CONFIG, workers=workers))
    from_two = list(islice(prefetch(crops, 2), 5))
    expected = [crops.batch(step) for step in range(2, 7)]
    assert all(torch.equal(a, b) for a, b in zip(from_two, expected, strict=True))


def test_ranks_share_the_batch_of_one_process(images):
    config = TrainConfig(batch_tokens=144, crops=((6, 6),))
    whole = Crops(images, config).batch(7)
    halves = [Crops(images, config, rank, 2).batch(7) for rank in (0, 1)]
    assert torch.equal(torch.cat(halves), whole)


def test_held_out_images_are_never_trained_on():
    """Each of 200 images has one colour; crops show which ones are used."""
    pixels = np.repeat(np.arange(200, dtype=np.uint8), 16 * 16 * 3)
    offsets = np.arange(200) * 16 * 16 * 3
    names = tuple(f"{i}.png" for i in range(200))
    images = Images(names, np.full((200, 2), 16), offsets, pixels)
    crops = Crops(images, TrainConfig(batch_tokens=2000, crops=((1, 1),)))
    used = set(crops.batch(0).unique().tolist())
    held_out = {int(crop[0, 0, 0, 0]) for crop in crops.evaluation()}
    assert len(held_out) == 4  # 200 / 64, rounded up
    assert used == set(range(200)) - held_out
    many = Images(tuple(map(str, range(5000))), images.sizes, offsets, pixels)
    assert len(many.split()[1]) == 16


def test_crops_come_from_the_images_in_all_orientations():
    """A gradient to the right and below tells how a crop was turned."""
    ramp = np.add.outer(2 * np.arange(40), np.arange(48)).astype(np.uint8)
    pixels = np.tile(np.repeat(ramp.ravel(), 3), 2)
    images = Images(("a", "b"), np.array([[40, 48]] * 2), np.array([0, ramp.size * 3]), pixels)
    batch = Crops(images, TrainConfig(batch_tokens=200, crops=((1, 2),))).batch(0).int()
    steps = {(int(x[0, 1, 0] - x[0, 0, 0]), int(x[0, 0, 1] - x[0, 0, 0])) for x in batch}
    assert steps == {(s * a, t * b) for s in (1, -1) for t in (1, -1) for a, b in ((2, 1), (1, 2))}


def test_downscaled_crops_cover_more(images):
    config = TrainConfig(batch_tokens=64, crops=((4, 4),), downscale=1.0)
    plain = TrainConfig(batch_tokens=64, crops=((4, 4),))
    detail = [
        Crops(images, c).batch(0).float().diff(dim=-1).abs().mean().item() for c in (plain, config)
    ]
    assert detail[1] > 1.1 * detail[0]


def test_a_share_of_the_crops_is_drawn(images):
    def batch(share: float) -> np.ndarray:
        config = TrainConfig(batch_tokens=1600, crops=((4, 4),), drawn=share)
        return Crops(images, config).batch(0).numpy()

    photographs, some, drawn = (batch(share) for share in (0.0, 0.3, 1.0))
    assert len(photographs) == len(drawn) == 100
    as_before = (some == photographs).all((1, 2, 3)).mean()
    assert 0.5 < as_before < 0.9
    assert not (drawn == photographs).all((1, 2, 3)).any()
    edges = [np.abs(np.diff(x.astype(int), axis=3)).mean() for x in (photographs, drawn)]
    assert edges[1] > 1.5 * edges[0]  # letters are sharper than these smooth pictures


def test_crops_larger_than_all_images_are_refused(images):
    with pytest.raises(ConfigError, match="no training image is 160x160"):
        Crops(images, TrainConfig(crops=((4, 4), (10, 4))))


def test_patches(images):
    patches = Crops(images, CONFIG).patches(7, 32)
    assert patches.shape == (7, 3, 32, 32)
    assert patches.dtype == torch.float32
    assert 0 <= patches.min() <= patches.max() <= 1
