"""Which token each slot carries, predicts and sees."""

import torch

from m2t.config import ScheduleConfig
from m2t.entropy.slots import m2t_slots, mt_slots
from m2t.schedule import build

SCHEDULE = ScheduleConfig(steps=4, alpha=2.0)


def test_each_group_carries_the_group_before_it() -> None:
    schedule = build(SCHEDULE, 4, 5)
    slots = m2t_slots(SCHEDULE, 4, 5, 6)
    assert slots.target.tolist() == schedule.order.tolist()
    carried = [slots.source[part].tolist() for part in schedule.slices]
    groups = [schedule.order[part].tolist() for part in schedule.slices]
    assert set(carried[0]) == {20}, "the first group carries mask tokens only"
    for before, source in zip(groups, carried[1:], strict=False):
        assert source[: len(before)] == before
        assert set(source[len(before) :]) <= {20}


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
                expected.append(i * width + j if known else height * width)
        assert slots.neighbours[slot].tolist() == expected


def test_positions_are_those_of_the_largest_window() -> None:
    slots = m2t_slots(SCHEDULE, 4, 5, 6)
    rows, columns = slots.target // 5, slots.target % 5
    assert torch.equal(slots.position, rows * 6 + columns)


def test_attention_is_block_triangular() -> None:
    schedule = build(SCHEDULE, 4, 5)
    slots = m2t_slots(SCHEDULE, 4, 5, 6)
    assert slots.mask is not None
    for part in schedule.slices:
        assert slots.mask[part, : part.stop].all()
        assert not slots.mask[part, part.stop :].any()


def test_mt_slots_carry_what_is_known() -> None:
    known = torch.zeros(2, 6, dtype=torch.bool)
    known[0, 1] = known[1, 5] = True
    slots = mt_slots(known, 2, 3, 6)
    assert slots.mask is None
    assert slots.source.tolist() == [[6, 1, 6, 6, 6, 6], [6, 6, 6, 6, 6, 5]]
    assert sorted(slots.neighbours[0, 0].tolist()) == [1, 6, 6, 6, 6, 6, 6, 6]
    assert set(slots.neighbours[1, 0].tolist()) == {6}


def test_slots_made_while_decoding_serve_training_too() -> None:
    with torch.inference_mode():
        slots = m2t_slots(SCHEDULE, 3, 5, 6)
    weights = torch.ones(15, requires_grad=True)
    weights[slots.target].sum().backward()
    assert weights.grad is not None
