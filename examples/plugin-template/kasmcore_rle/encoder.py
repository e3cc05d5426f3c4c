"""Pixels to runs.

The payload is a list of runs, row after row: the number of pixels (2 bytes, big-endian, at least
1), then red, green and blue. A run may go on in the next row.
"""

from __future__ import annotations

import numpy as np
from kasmcore.api import BgrxPixels, encodable_pixels
from numpy.typing import NDArray

LONGEST_RUN = 65535
RUN = np.dtype([("length", ">u2"), ("rgb", "u1", (3,))])
COLOUR = np.uint32(0x00FFFFFF)


class RleEncoder:
    """Finds where the colour changes, for all pixels at once."""

    def encode(self, pixels: BgrxPixels, quality: int) -> bytes:
        """Encode one rectangle.

        Args:
            pixels: (height, width, 4) uint8, BGRX; may be a strided view; is only read.
            quality: 0 to 100; no effect, the codec has no loss.

        Raises:
            EncodeError: not such an array, or it has no pixel.
        """
        pixels = encodable_pixels("rle", pixels, quality)
        colours = (pixels.view(np.uint32)[..., 0] & COLOUR).ravel()
        starts = run_starts(colours)
        runs = np.empty(len(starts), RUN)
        runs["length"] = np.diff(starts, append=colours.size)
        bgrx = colours[starts].view(np.uint8).reshape(-1, 4)
        runs["rgb"] = bgrx[:, 2::-1]
        return runs.tobytes()


def run_starts(colours: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Return the index of the first pixel of each run; no run is longer than LONGEST_RUN."""
    changes = np.flatnonzero(colours[1:] != colours[:-1]) + 1
    starts: NDArray[np.intp] = np.concatenate(([0], changes))
    lengths = np.diff(starts, append=colours.size)
    pieces = -(-lengths // LONGEST_RUN)
    if pieces.max() == 1:
        return starts
    first_of_run = np.repeat(np.cumsum(pieces) - pieces, pieces)
    piece_in_run = np.arange(pieces.sum()) - first_of_run
    starts = np.repeat(starts, pieces) + piece_in_run * LONGEST_RUN
    return starts
