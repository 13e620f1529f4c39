import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from m2t.geometry.bands import bands
from m2t.geometry.windows import Window, by_shape, cut


def test_kodak_pays_for_no_padding() -> None:
    windows = cut(32, 48, 24)
    assert windows == [Window(top, left, 16, 24) for top in (0, 16) for left in (0, 24)]


@given(st.integers(1, 200), st.integers(1, 200), st.integers(2, 30))
def test_windows_cover_every_token_once_and_are_balanced(
    height: int, width: int, largest: int
) -> None:
    covered = np.zeros((height, width), int)
    windows = cut(height, width, largest)
    for window in windows:
        covered[window.rows, window.columns] += 1
        assert max(window.height, window.width) <= largest
    assert (covered == 1).all()
    for sides in ({w.height for w in windows}, {w.width for w in windows}):
        assert max(sides) - min(sides) <= 1
    assert len(windows) == -(-height // largest) * -(-width // largest)
    shapes = by_shape(windows)
    assert len(shapes) <= 4
    assert sorted(i for indices in shapes.values() for i in indices) == list(range(len(windows)))


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 12), st.integers(1, 5000))
def test_bands_cover_every_row_once(height: int, width: int, halo: int, area: int) -> None:
    rows: list[int] = []
    for band in bands(height, width, halo, area):
        rows += range(band.start, band.stop)
        assert band.first == max(0, band.start - halo)
        assert band.last == min(height, band.stop + halo)
        assert range(height)[band.context][band.inner] == range(height)[band.rows]
    assert rows == list(range(height))
