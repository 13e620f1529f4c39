"""Pictures made smaller."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def reduced(pixels: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Means of squares of scale x scale pixels, (H, W) or (H, W, 3); fewer at the edges.

    Rounded from integers: the same on every machine.
    """
    return np.asarray(Image.fromarray(pixels).reduce(scale))
