"""Pictures with as much detail of each size as photos have."""

from __future__ import annotations

import numpy as np
from PIL import Image


def drawn(seed: int, size: tuple[int, int] = (320, 200)) -> Image.Image:
    """A picture in colour; another seed is another picture."""
    random = np.random.default_rng(seed)
    whole = np.zeros((size[1], size[0], 3))
    for detail in (5, 10, 20, 40, 100):
        coarse = Image.fromarray(random.integers(0, 256, (detail, detail * 8 // 5, 3), dtype=np.uint8))
        whole += np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), np.float64) / detail
    whole -= whole.min()
    return Image.fromarray((whole * 255 / whole.max()).astype(np.uint8))
