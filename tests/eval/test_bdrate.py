from math import log10
from pathlib import Path

import pytest

from m2t.errors import ConfigError
from m2t.eval.bdrate import bd_psnr, bd_rate
from m2t.eval.compare import comparisons
from m2t.eval.results import Curve, Point, Result, load_curve

ANCHORS = Path(__file__).parents[2] / "results" / "anchors"


def published(name):
    return load_curve(ANCHORS / f"{name}.json").points


def points(*pairs):
    return [Point("", bpp, psnr) for bpp, psnr in pairs]


# MT's paper gives -11.6 % against its own run of VTM; the PCHIP values come from an independent
# implementation (logarithm of the rate over PSNR).
@pytest.mark.parametrize(
    ("name", "method", "percent"),
    [("mt", "cubic", -11.57), ("mt", "pchip", -12.34), ("elic", "pchip", -7.02)],
)
def test_known_values(name, method, percent):
    assert bd_rate(published("vtm"), published(name), method).percent == pytest.approx(
        percent, abs=0.01
    )


@pytest.mark.parametrize("method", ["pchip", "cubic"])
def test_a_tenth_less_rate_is_minus_ten_percent(method):
    anchor = published("vtm")
    less = [Point(p.param, 0.9 * p.bpp, p.psnr) for p in anchor]
    assert bd_rate(anchor, less, method).percent == pytest.approx(-10)


def test_overlap_is_reported_and_order_does_not_matter():
    anchor = points((0.1, 28), (0.4, 32), (1.0, 36))
    ours = points((0.9, 37), (0.2, 30), (0.4, 33))
    result = bd_rate(anchor, ours)
    assert (result.low, result.high) == (30, 36)
    assert result == bd_rate(anchor, ours[::-1])


@pytest.mark.parametrize(
    "ours",
    [
        points((0.1, 40), (0.2, 42)),  # nothing in common
        points((0.1, 34), (0.2, 39)),  # too little: 2 of 5 dB
        points((0.1, 29)),
        points((0.1, 31), (0.2, 30)),  # falls
        points((0.1, 31), (0.2, float("inf"))),
    ],
)
def test_refuses_what_has_no_bd_rate(ours):
    with pytest.raises(ConfigError):
        bd_rate(points((0.1, 28), (1.0, 36)), ours)


def test_a_cubic_needs_four_points():
    with pytest.raises(ConfigError, match="4 points"):
        bd_rate(published("vtm"), published("mt")[:3], "cubic")


def test_a_decibel_more_is_bd_psnr_one():
    anchor = published("vtm")
    better = [Point(p.param, p.bpp, p.psnr + 1) for p in anchor]
    assert bd_psnr(anchor, better) == pytest.approx(1)


def test_over_ms_ssim():
    anchor = [Point("", rate, 30, ms_ssim=1 - 10**-dB) for rate, dB in ((0.1, 1), (0.4, 2))]
    ours = [Point("", 0.5 * p.bpp, 30, ms_ssim=p.ms_ssim) for p in anchor]
    result = bd_rate(anchor, ours, metric="ms_ssim")
    assert result.percent == pytest.approx(-50)
    assert (result.low, result.high) == pytest.approx((10, 20))
    with pytest.raises(ConfigError, match="ms_ssim"):
        bd_rate(anchor, [Point("", 0.1, 30), Point("", 0.2, 31)], metric="ms_ssim")


@pytest.mark.parametrize("metric", ["butteraugli", "butteraugli_3", "flip"])
def test_where_lower_is_better_smaller_files_are_still_negative(metric):
    errors = ((0.1, 0.4), (0.4, 0.2), (1.6, 0.1))
    anchor = [Point("", rate, 30, **{metric: error}) for rate, error in errors]
    half = [Point("", rate / 2, 30, **{metric: error}) for rate, error in errors]
    result = bd_rate(anchor, half, metric=metric)
    assert result.percent == pytest.approx(-50)
    assert (result.low, result.high) == pytest.approx((-10 * log10(0.4), 10))
    less = [Point("", rate, 30, **{metric: error / 2}) for rate, error in errors]
    assert bd_rate(anchor, less, metric=metric).percent == pytest.approx(-75)  # halves from 4 times


def scored(*pairs):
    return [Point("", rate, 30, ssimulacra2=score) for rate, score in pairs]


def test_a_floor_cuts_both_curves():
    anchor = scored((0.1, 0), (0.2, 40), (0.4, 80))
    ours = scored((0.05, 0), (0.1, 40), (0.2, 80))
    half = bd_rate(anchor, ours, metric="ssimulacra2", floor=40)
    assert half.percent == pytest.approx(-50)
    assert (half.low, half.high, half.floor) == (40, 80, 40)
    assert bd_rate(anchor, ours, metric="ssimulacra2").low == 0
    whole = bd_rate(anchor, ours, metric="ssimulacra2", floor=-5)
    assert (whole.low, whole.high) == (0, 80)


def test_what_lies_below_the_floor_does_not_count():
    """But for the slope at the floor, which the points on both sides of it give."""
    anchor = scored((0.1, 0), (0.2, 40), (0.3, 60), (0.4, 80))
    ours = scored((0.02, 0), (0.19, 40), (0.285, 60), (0.38, 80))
    above = bd_rate(anchor, ours, metric="ssimulacra2", floor=60).percent
    assert above == pytest.approx(-5)
    assert bd_rate(anchor, ours, metric="ssimulacra2").percent < -20


@pytest.mark.parametrize("floor", [80, 90])
def test_nothing_above_the_floor(floor):
    curve = scored((0.1, 0), (0.2, 40), (0.4, 80))
    with pytest.raises(ConfigError, match="above"):
        bd_rate(curve, curve, metric="ssimulacra2", floor=floor)


def test_too_little_in_common_above_the_floor():
    with pytest.raises(ConfigError, match="too little SSIMULACRA2 in common above 40"):
        bd_rate(
            scored((0.1, 0), (0.2, 50)), scored((0.1, 47), (0.2, 90)), "pchip", "ssimulacra2", 40
        )


def test_comparisons_have_one_from_40_up():
    curve = scored((0.1, 0), (0.2, 40), (0.3, 60), (0.4, 80))
    result = Result(Curve("A", "set", "made up", tuple(curve)))
    found = comparisons(curve, {"a": result})
    floors = [(entry.metric, entry.method, entry.floor) for entry in found]
    assert floors == [
        ("ssimulacra2", method, floor) for floor in (None, 40) for method in ("pchip", "cubic")
    ]
    assert all(entry.gain is None for entry in found if entry.floor)
