"""Write the pages that are made from the source: ``python docs/generate.py``."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

from kasmcore.config.describe import json_schema, settings_page
from kasmcore.config.schema import PluginsConfig
from kasmcore.config.sections import SettingsSection
from kasmcore.plugin_manager import load_plugins
from kasmcore.testing.reference_pages import hooks_page, interfaces_page

DOCS = Path(__file__).parent
DISTRIBUTION = "kasmcore"


def built_in_sections() -> tuple[SettingsSection, ...]:
    """Return the settings of the plugins that come with kasmcore, whatever else is installed."""
    others = tuple(
        point.name
        for point in entry_points(group=DISTRIBUTION)
        if point.dist is None or point.dist.name != DISTRIBUTION
    )
    return load_plugins(PluginsConfig(block=others)).settings_sections()


PAGES: list[tuple[Path, Callable[[], str]]] = [
    (DOCS / "operators" / "settings.md", lambda: settings_page(built_in_sections())),
    (DOCS / "operators" / "settings.schema.json", lambda: json_schema(built_in_sections())),
    (DOCS / "plugins" / "hooks.md", hooks_page),
    (DOCS / "plugins" / "interfaces.md", interfaces_page),
]


def main() -> None:
    """Write every page."""
    for path, make in PAGES:
        path.write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
