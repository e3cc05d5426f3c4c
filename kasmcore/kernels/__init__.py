"""Work on pixels and masks for every frame, compiled: ``pixels.c``, where it could be built.

Each caller does the same in numpy when it is not there. Calls let other threads run meanwhile.
"""

from kasmcore.kernels.library import LIBRARY, without_library
from kasmcore.kernels.masks import CompiledMask
from kasmcore.kernels.surfaces import Surface, SurfacePair

__all__ = ["LIBRARY", "CompiledMask", "Surface", "SurfacePair", "without_library"]
