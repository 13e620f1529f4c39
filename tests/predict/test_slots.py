"""Which token each slot carries, predicts and sees."""

import numpy as np

from m2t.config import ScheduleConfig
from m2t.geometry.schedule import build
from m2t.predict.slots import NONE, joined, m2t_slots, mt_slots

SCHEDULE = ScheduleConfig(steps=4, alpha=2.0)


def test_each_group_carries_the_group_before_it() -> None:
    schedule = build(SCHEDULE, 4, 5)
    slots = m2t_slots(SCHEDULE, 4, 5, 6)
    assert slots.target.tolist() == schedule.order.tolist()
    carried = [slots.source[part].tolist() for part in schedule.slices]
    groups = [schedule.order[part].tolist() for part in schedule.slices]
    assert set(carried[0]) == {NONE}, "the first group carries mask tokens only"
    for before, source in zip(groups, carried[1:], strict=False):
        assert source[: len(before)] == before
        assert set(source[len(before) :]) <= {NONE}


def test_neighbours_are_known_ones_only() -> None:
    height, width = 4, 5
    schedule = build(SCHEDULE, height, width)
    slots = m2t_slots(SCHEDULE, height, width, 6)
    for slot, target in enumerate(slots.target.tolist()):
        row, column = divmod(target, width)
        expected = []
        for i in (row - 1, row, row + 1):
            for j in (column - 1, column, column + 1):
                if (i, j) == (row, column):
                    continue
                inside = 0 <= i < height and 0 <= j < width
                known = inside and (schedule.group_of[i * width + j] < schedule.group_of[target])
                expected.append(i * width + j if known else NONE)
        assert slots.neighbours[slot].tolist() == expected


def test_positions_are_those_of_the_largest_window() -> None:
    slots = m2t_slots(SCHEDULE, 4, 5, 6)
    rows, columns = slots.target // 5, slots.target % 5
    assert np.array_equal(slots.position, rows * 6 + columns)


def test_attention_is_block_triangular() -> None:
    schedule = build(SCHEDULE, 4, 5)
    slots = m2t_slots(SCHEDULE, 4, 5, 6)
    for part in schedule.slices:
        assert set(slots.limit[part]) == {part.stop}


def test_what_is_left_is_one_group_that_sees_the_known_ones() -> None:
    schedule, whole = build(SCHEDULE, 4, 5), m2t_slots(SCHEDULE, 4, 5, 6)
    for num_known in range(len(schedule.ends) + 1):
        slots = m2t_slots(SCHEDULE, 4, 5, 6, num_known)
        known = schedule.order[: (0, *schedule.ends)[num_known]]
        before, rest = slice(0, len(known)), slice(len(known), None)
        for part, expected in zip(slots.part(before), whole.part(before), strict=True):
            assert np.array_equal(part, expected)
        assert slots.target.tolist() == schedule.order.tolist()
        assert set(slots.neighbours[rest].ravel().tolist()) <= {NONE, *known.tolist()}
        assert set(slots.source[rest].tolist()) <= {NONE, *known.tolist()}
        assert set(slots.limit[rest].tolist()) <= {20}


def test_mt_slots_carry_what_is_known() -> None:
    known = np.zeros((2, 6), bool)
    known[0, 1] = known[1, 5] = True
    slots = mt_slots(known, 2, 3, 6)
    assert slots.limit.tolist() == [6] * 6
    assert slots.source.tolist() == [[NONE, 1, *[NONE] * 4], [*[NONE] * 5, 5]]
    assert sorted(slots.neighbours[0, 0].tolist()) == [*[NONE] * 7, 1]
    assert set(slots.neighbours[1, 0].tolist()) == {NONE}


def test_windows_behind_each_other() -> None:
    slots = m2t_slots(SCHEDULE, 3, 5, 6)
    both = joined([slots, slots.shifted(15)])
    assert both.target.tolist() == [*slots.target.tolist(), *(slots.target + 15).tolist()]
    assert set(both.source[:15]) - {NONE} < set(range(15))
    assert set(both.source[15:]) - {NONE} < set(range(15, 30))
    assert (both.neighbours == NONE).sum() == 2 * (slots.neighbours == NONE).sum()
