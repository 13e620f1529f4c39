from itertools import pairwise
from pathlib import Path

import pytest

from m2t.errors import ConfigError
from m2t.eval.compare import Comparison
from m2t.eval.plot import plot_bars, plot_rates, plot_speed, save_figure
from m2t.eval.results import (
    Curve,
    Point,
    Result,
    Row,
    load_anchors,
    load_curve,
    load_record,
    mean_points,
    save_result,
)
from m2t.eval.table import against, bd_table, rate_table, summary_table, tables

RESULTS = Path(__file__).parents[2] / "results"
CURVE = Curve("x", "set", "made up", (Point("quality 1", 0.25, 30.5), Point("quality 2", 0.5, 33)))


def test_mean_points():
    rows = [
        Row("a", "quality 2", 9, 1.0, 34),
        Row("a", "quality 1", 5, 0.4, 30),
        Row("b", "quality 2", 9, 2.0, 36),
        Row("b", "quality 1", 5, 0.6, 31),
    ]
    assert mean_points(rows) == (Point("quality 1", 0.5, 30.5), Point("quality 2", 1.5, 35))


def test_save_and_load(tmp_path):
    path = tmp_path / "new" / "x.json"
    save_result(path, CURVE, [Row("a", "quality 1", 5, 0.4, 30)], command="made by hand")
    assert load_curve(path) == CURVE
    assert load_record(path)["command"] == "made by hand"
    assert len(path.read_text().splitlines()) == 14  # one line a point: differences stay readable
    assert load_anchors(path.parent, "set") == {
        "x": Result(CURVE, (Row("a", "quality 1", 5, 0.4, 30),))
    }
    assert load_anchors(path.parent, "other") == {}


@pytest.mark.parametrize("text", ["{", "{}", '{"schema": 1, "points": [{"x": 1}]}', "[]"])
def test_refuses_other_files(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load_curve(path)


def test_refuses_another_schema(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"schema": 2}')
    with pytest.raises(ConfigError, match="schema version 2; this m2t reads version 1"):
        load_curve(path)


@pytest.mark.parametrize("path", sorted(RESULTS.glob("anchors/*.json")), ids=lambda path: path.stem)
def test_committed_anchors(path):
    curve = load_curve(path)
    assert curve.dataset == "kodak"
    assert curve.source.startswith(("measured", "published: "))
    assert all(a.bpp < b.bpp and a.psnr < b.psnr for a, b in pairwise(curve.points))
    if curve.source.startswith("measured"):
        record = load_record(path)
        rows = [Row(**row) for row in record["rows"]]
        assert {row.image for row in rows} == {f"kodim{i:02}.png" for i in range(1, 25)}
        assert mean_points(rows) == curve.points
        assert record["versions"]["pillow"]
        assert record["command"]


def test_measured_jpeg_is_the_published_one():
    """The same codec at the same qualities, but with optimised tables and a newer library."""
    ours, theirs = (load_curve(RESULTS / f"anchors/{n}.json") for n in ("jpeg", "jpeg_compressai"))
    for point in ours.points:
        quality = int(point.param.removeprefix("quality "))
        if quality % 5 == 0:
            other = theirs.points[quality // 5 - 1]  # they are at 5, 10, ... 95
            assert abs(point.psnr - other.psnr) < 0.15
            assert point.bpp < other.bpp < point.bpp + 0.1


def test_tables():
    record = {
        "codec": "x",
        "points": [{"param": "quality 1", "bpp": 0.25, "psnr": 30.456}],
        "bd_rates": [
            {
                "anchor": "b",
                "codec": "B",
                "metric": "psnr",
                "method": "pchip",
                "percent": 3.21,
                "low": 28,
                "high": 36.04,
            },
            {
                "anchor": "a",
                "codec": "A",
                "metric": "psnr",
                "method": "pchip",
                "percent": -40.0,
                "low": 28,
                "high": 36.04,
            },
            {
                "anchor": "a",
                "codec": "A",
                "metric": "psnr",
                "method": "cubic",
                "percent": -41.0,
                "low": 28,
                "high": 36.04,
            },
        ],
    }
    assert rate_table(record).splitlines() == [
        "| x | bpp | PSNR (dB) |",
        "| --- | ---: | ---: |",
        "| quality 1 | 0.250 | 30.46 |",
    ]
    assert bd_table(record).splitlines()[2:] == [
        "| A | −40.0 % | 28.0 to 36.0 |",
        "| B | +3.2 % | 28.0 to 36.0 |",
    ]


def entry(anchor, metric, percent, floor=None):
    range_ = {"low": 28, "high": 36, "method": "pchip", "floor": floor}
    return {
        "anchor": anchor,
        "codec": anchor.upper(),
        "metric": metric,
        "percent": percent,
        **range_,
    }


def test_summary_leads_with_ssimulacra2_and_shows_gaps():
    record = {
        "codec": "x",
        "points": [
            {"param": "q", "bpp": 0.25, "psnr": 30, "flip": 0.5},
            {"param": "r", "bpp": 1, "psnr": 31},
        ],
        "bd_rates": [
            entry("a", "psnr", 5.0),
            entry("b", "psnr", -30.0),
            entry("b", "flip", 2.0),
            entry("b", "ssimulacra2", -10.0),
            entry("b", "ssimulacra2", -20.0, 40.0),
        ],
    }
    assert summary_table(record).splitlines() == [
        "| BD-rate of x to | by SSIMULACRA2 | by SSIMULACRA2 from 40 up | by PSNR | by FLIP |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| B | −10.0 % | −20.0 % | −30.0 % | +2.0 % |",
        "| A | – | – | +5.0 % | – |",
    ]
    assert rate_table(record).splitlines()[2:] == [
        "| q | 0.250 | 30.00 | 0.5000 |",
        "| r | 1.000 | 31.00 | – |",
    ]
    assert len(tables(record)) == 2 + 4
    assert bd_table(record, metric="flip").splitlines()[0].endswith("| over −10 log10 FLIP |")


def test_against_by_another_metric():
    points = [
        Point("", rate, 30, ssimulacra2=score) for rate, score in ((0.1, 0), (0.2, 40), (0.4, 80))
    ]
    half = [Point("", p.bpp / 2, 30, ssimulacra2=p.ssimulacra2) for p in points]
    curves = [Curve(name, "set", "made up", tuple(c)) for name, c in (("a", points), ("b", half))]
    table = against(curves[1:], curves[0], metric="ssimulacra2", floor=40)
    assert table.splitlines()[2] == "| b | −50.0 % |  |  |"


def test_table_against_one_curve():
    half = [
        Point(p.param, p.bpp / 2, p.psnr, encode_seconds=seconds)
        for p, seconds in zip(CURVE.points, (1, 2), strict=True)
    ]
    assert against([CURVE, Curve("half", "set", "made up", tuple(half))], CURVE).splitlines() == [
        "| compared with x | BD-rate | encode (s) | decode (s) |",
        "| --- | ---: | ---: | ---: |",
        "| x | +0.0 % |  |  |",
        "| half | −50.0 % | 1.500 |  |",
    ]


def test_a_metric_has_a_mean_where_all_images_have_it():
    rows = [Row("a", "q", 5, 0.4, 30, ms_ssim=0.9, psnr_y=31), Row("b", "q", 5, 0.6, 32, psnr_y=33)]
    assert mean_points(rows) == (Point("q", 0.5, 31, psnr_y=32),)


def test_plots(tmp_path):
    entries = [
        Comparison(percent, 28, 36, "psnr", "pchip", name, name, None)
        for name, percent in (("x", -30.0), ("y", 12.5))
    ]
    judged = Curve(
        "y", "set", "made up", (Point("a", 0.2, 30, flip=0.2), Point("b", 0.5, 33, flip=0.1))
    )
    figures = [
        plot_rates(CURVE, [CURVE, CURVE]),
        plot_rates(CURVE, [], "ms_ssim"),  # an empty picture, not an error
        plot_bars(CURVE, entries, {"x"}),
        plot_rates(judged, [CURVE], "flip"),
        plot_speed("m2t", {"m2t": 0.5, "x": 0.01}, {"m2t": 0, "x": 40.0}, "psnr"),
    ]
    for i, figure in enumerate(figures):
        save_figure(figure, tmp_path / f"{i}.svg")
        assert (tmp_path / f"{i}.svg").stat().st_size > 1000
