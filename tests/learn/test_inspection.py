"""What is found inside a file is what the codec does: bits, groups, images after each step."""

import dataclasses

import numpy as np
import pytest

from m2t.errors import ConfigError
from m2t.inspection.inside import Inside
from m2t.presets import tiny

from ..conftest import vary
from ..test_inspection import IMAGE, QUALITY
from .conftest import float_codec, seeded_model


@pytest.mark.parametrize("masking", ["mt", "m2t"])
def test_networks_in_floating_point(masking: str) -> None:
    codec = float_codec(seeded_model(vary(tiny(), masking=masking)))
    file = codec.compress(IMAGE, QUALITY)
    inside = Inside(codec, file)
    assert inside.bits.sum() == pytest.approx(codec.estimate(file), rel=1e-6)
    assert np.array_equal(inside.expected(inside.num_groups), inside.image)


def test_order_that_depends_on_the_image_is_refused() -> None:
    config = vary(tiny(), masking="mt")
    schedule = dataclasses.replace(config.schedule, order="entropy")
    codec = float_codec(seeded_model(dataclasses.replace(config, schedule=schedule)))
    with pytest.raises(ConfigError, match="depends on the image"):
        Inside(codec, codec.compress(IMAGE))
