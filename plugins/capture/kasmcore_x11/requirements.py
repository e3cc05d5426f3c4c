"""What an X display must have so that it can be captured; said in full when it does not."""

from __future__ import annotations

from Xlib import X
from Xlib.display import Display

from kasmcore.api import PluginUnavailable
from kasmcore_x11.requests import DAMAGE, MIT_SHM, XFIXES, XTEST

_NEEDED = (MIT_SHM, DAMAGE, XFIXES, XTEST)
_DEPTHS = (24, 32)
_COLOUR_MASKS = (0xFF0000, 0x00FF00, 0x0000FF)


def prepare(display: Display) -> None:
    """Check the display and agree on the extensions' versions. Blocks for some milliseconds.

    Raises:
        PluginUnavailable: an extension is missing, or its pixels are not 32 bit BGRX.
    """
    name = display.get_display_name()
    extensions = {word: display.query_extension(word) for word in _NEEDED}
    missing = [word for word, extension in extensions.items() if extension is None]
    if missing:
        raise PluginUnavailable(
            f"the X display {name} lacks {', '.join(missing)}",
            remedy="Use an X server with these extensions, e.g. Xvfb without '-extension'.",
        )
    found = _pixel_format(display)
    if found:
        raise PluginUnavailable(
            f"the pixels of the X display {name} cannot be read: {found}",
            remedy="Start it with 24 bit colour, e.g. Xvfb with '-screen 0 1920x1080x24'.",
        )
    for word, extension in extensions.items():
        if extension is not None:
            display.display.set_extension_major(word, extension.major_opcode)
    display.xfixes_query_version()  # both refuse every other request before this one
    display.damage_query_version()


def _pixel_format(display: Display) -> str:
    """Say what is wrong with the display's pixels; empty when they are BGRX."""
    info = display.display.info
    screen = display.screen()
    if screen.root_depth not in _DEPTHS:
        return f"colour depth {screen.root_depth}, must be 24 or 32"
    if info.image_byte_order != X.LSBFirst:
        return "they are big-endian"
    bits = [f.bits_per_pixel for f in info.pixmap_formats if f.depth == screen.root_depth]
    if bits != [32]:
        return f"{bits} bits a pixel, must be 32"
    visual = next(
        visual
        for depth in screen.allowed_depths
        for visual in depth.visuals
        if visual.visual_id == screen.root_visual
    )
    if (visual.red_mask, visual.green_mask, visual.blue_mask) != _COLOUR_MASKS:
        return "the order of colours is not BGRX"
    return ""
