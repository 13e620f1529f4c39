"""Targets on the command line."""

import pytest


@pytest.mark.parametrize(
    ("option", "value", "kind", "number"),
    [
        ("--target-size", "200kB", "size", 200_000),
        ("--target-size", "1.5 MB", "size", 1_500_000),
        ("--target-size", "2KiB", "size", 2048),
        ("--target-size", "4096", "size", 4096),
        ("--target-bpp", "0.3", "bpp", 0.3),
        ("--target-psnr", "35", "psnr", 35.0),
        ("--target-ssimulacra2", "-5", "ssimulacra2", -5.0),
    ],
)
def test_a_target_arrives_and_its_error_is_one_line(m2t, photo, option, value, kind, number):
    result = m2t("compress", f"{option}={value}", photo)
    assert result.code == 1
    wanted = f"Target(kind={kind!r}, value={number!r})"
    assert result.err == f"m2t: error: photo.png: cannot make {wanted}\n"
    assert not photo.with_suffix(".m2t").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--target-size", "5kB", "-q", "50"], "--quality and --target-size exclude each other"),
        (["--target-bpp", "1", "--target-psnr", "35"], "--target-bpp and --target-psnr exclude"),
        (["--target-size", "5 stones"], "5 stones is not a size such as"),
        (["--target-size", "0"], "target size must be above 0"),
        (["--target-bpp", "much"], "not a valid float"),
        (["--target-psnr", "nan"], "must be a number"),
        (["--target-ssimulacra2", "100"], "must be below 100"),
    ],
)
def test_wrong_usage(m2t, photo, options, text):
    result = m2t("compress", *options, photo)
    assert result.code == 2
    assert text in result.err
