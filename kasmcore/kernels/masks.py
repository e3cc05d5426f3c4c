"""Masks as the compiled library sees them."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.kernels.library import LIBRARY
from kasmcore.values.geometry import Rectangle

_BUFFERS_PER_COLUMN = 9
"""Words of scratch for the runs of three rows."""


@attrs.frozen(eq=False)
class CompiledMask:
    """A mask's memory: each row without gaps."""

    _cells: NDArray[np.bool_]
    _functions: Any

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> CompiledMask | None:
        """None without a library. Whatever lies apart in memory is copied."""
        if LIBRARY.functions is None:
            return None
        follows = mask.dtype == np.bool_ and (mask.strides[1] == 1 or mask.shape[1] == 1)
        return cls(mask if follows else np.ascontiguousarray(mask, np.bool_), LIBRARY.functions)

    def rectangles(self) -> list[Rectangle]:
        """Runs of each row joined with equal ones below, as they end."""
        rows, columns = self._cells.shape
        found = np.empty((rows * (columns + 1) // 2 + 1, 4), np.int32)
        scratch = np.empty(columns, np.int32)
        return self._boxes(self._functions.kasmcore_rectangles, scratch, found)

    def groups(self) -> list[Rectangle]:
        """Bounds of the groups of cells that have at most one other between them."""
        rows, columns = self._cells.shape
        most = rows * -(-columns // 3)
        scratch = np.empty(_BUFFERS_PER_COLUMN * columns + most, np.int32)
        found = np.empty((most, 4), np.int32)
        return self._boxes(self._functions.kasmcore_groups, scratch, found)

    def _boxes(
        self, function: Any, scratch: NDArray[np.int32], found: NDArray[np.int32]
    ) -> list[Rectangle]:
        rows, columns = self._cells.shape
        count = function(
            *(self._cells.ctypes.data, self._cells.strides[0], columns, rows),
            *(scratch.ctypes.data, found.ctypes.data),
        )
        return [Rectangle.from_edges(*edges) for edges in found[:count].tolist()]
