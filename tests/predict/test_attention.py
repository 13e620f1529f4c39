"""Attention at every level of the core against the reference, in steps as decoders take them."""

import numpy as np
import pytest

from m2t.engine.arithmetic import EXP_ONE
from m2t.engine.native import levels
from m2t.predict.native import NativeOperations
from m2t.predict.operations import Attention, Operations
from m2t.predict.predictor import Span
from m2t.predict.reference import ReferenceOperations

SIZES = (150, 97)
"""Slots of each window."""
ENDS = ((0, 1, 20, 150), (0, 3, 3, 97))
"""Where each window's groups end."""
TABLE = np.rint(EXP_ONE * np.exp(-np.arange(700) / 64)).astype(np.float32)


def attended(ops: Operations, heads: int, width: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    a = Attention(heads, 0.01 / width, 2e-5, ops.table(TABLE))
    cache = ops.cache(SIZES, heads, width)
    windows = (slice(0, SIZES[0]), slice(SIZES[0], sum(SIZES)))
    results = []
    for step in range(3):
        spans, limits, first = [], [], 0
        for w, (window, ends) in enumerate(zip(windows, ENDS, strict=True)):
            count = ends[step + 1] - ends[step]
            spans.append(Span(w, window, slice(first, first + count), ends[step]))
            # Some see all, the ones before them less: as in a pass over several groups.
            limits += [ends[step] + max(1, count // 2)] * (count // 2)
            limits += [ends[step + 1]] * (count - count // 2)
            first += count
        qkv = rng.integers(-127, 128, (first, 3 * heads * width)).astype(np.int8)
        out = ops.attention(a, ops.array(qkv), cache, spans, np.array(limits, np.int32))
        results.append(np.asarray(out))
    return results


@pytest.mark.parametrize("level", range(len(levels())))
@pytest.mark.parametrize(("heads", "width"), [(2, 64), (3, 16), (1, 128), (2, 38)])
def test_attention_is_that_of_the_reference(level: int, heads: int, width: int) -> None:
    expected = attended(ReferenceOperations(), heads, width)
    found = attended(NativeOperations(level), heads, width)
    assert any(len(np.unique(out)) > 20 for out in expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert np.array_equal(ours, theirs)
