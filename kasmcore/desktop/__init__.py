"""Starting a virtual display with a desktop environment, or attaching to a display that runs."""

from kasmcore.desktop.desktop import Desktop, open_desktop

__all__ = ["Desktop", "open_desktop"]
