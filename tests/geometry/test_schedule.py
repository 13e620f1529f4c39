from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2t.config import ScheduleConfig
from m2t.errors import ConfigError
from m2t.geometry.schedule import build, group_sizes, qlds_order


@pytest.mark.parametrize(
    ("steps", "sizes"),
    [
        (12, (2, 9, 16, 24, 33, 41, 51, 60, 70, 80, 90, 100)),
        (8, (6, 21, 40, 58, 80, 101, 123, 147)),
        (4, (27, 98, 181, 270)),
        (2, (125, 451)),
    ],
)
def test_group_sizes_of_the_paper(steps: int, sizes: tuple[int, ...]) -> None:
    assert group_sizes(576, steps, 2.2) == sizes


def test_first_cells_of_qlds() -> None:
    cells = [divmod(i, 24) for i in qlds_order(24, 24)[:12].tolist()]
    assert cells == [
        *[(6, 1), (0, 15), (18, 5), (12, 18), (6, 8), (0, 22)],
        *[(18, 11), (12, 1), (7, 15), (1, 4), (19, 18), (13, 8)],
    ]


def test_one_group_is_parallel_and_n_groups_are_autoregressive() -> None:
    assert group_sizes(30, 1, 2.2) == (30,)
    assert group_sizes(30, 30, 1.0) == (1,) * 30


def test_orders_differ_and_seeds_matter() -> None:
    configs = [
        ScheduleConfig(order="qlds"),
        ScheduleConfig(order="random", seed=0),
        ScheduleConfig(order="random", seed=1),
        ScheduleConfig(order="raster"),
    ]
    orders = [build(config, 8, 8).order.tolist() for config in configs]
    assert len({tuple(order) for order in orders}) == 4
    assert orders[3] == list(range(64))
    assert build(ScheduleConfig(order="random"), 8, 8).order[:6].tolist() == [53, 33, 2, 42, 32, 43]


@given(
    st.integers(1, 24),
    st.integers(1, 24),
    st.integers(1, 40),
    st.integers(10, 60),
    st.sampled_from(["qlds", "random", "raster"]),
)
def test_any_schedule_covers_the_window_once(
    height: int, width: int, steps: int, tenths: int, order: Literal["qlds", "random", "raster"]
) -> None:
    config = ScheduleConfig(order=order, steps=steps, alpha=tenths / 10)
    schedule = build(config, height, width)
    assert sorted(schedule.order.tolist()) == list(range(height * width))
    sizes = np.diff([0, *schedule.ends])
    assert schedule.ends[-1] == height * width
    assert (sizes > 0).all()
    assert (np.diff(sizes) >= 0).all()
    assert len(sizes) <= steps
    for i, part in enumerate(schedule.slices):
        assert (schedule.group_of[schedule.order[part]] == i).all()


def test_every_prefix_of_qlds_is_spread_evenly() -> None:
    quarters = [(i // 24 // 12) * 2 + i % 24 // 12 for i in qlds_order(24, 24)[:40].tolist()]
    assert max(quarters.count(q) for q in range(4)) <= 12


def test_empty_window() -> None:
    with pytest.raises(ConfigError, match="0x5"):
        build(ScheduleConfig(), 0, 5)
