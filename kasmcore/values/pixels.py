"""The two pixel arrays that cross module borders."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

#: (height, width, 4) uint8: blue, green, red, unused. Rows from top to bottom. May be a strided
#: view; whoever receives it only reads it, unless a docstring says otherwise.
BgrxPixels = Annotated[NDArray[np.uint8], "(height, width, 4) BGRX"]

#: (height, width, 4) uint8: red, green, blue, alpha; colours not premultiplied.
RgbaPixels = Annotated[NDArray[np.uint8], "(height, width, 4) RGBA"]
