"""DLP filter ``visible_region``: viewers see a part of the screen, the rest is black."""

from __future__ import annotations

from functools import partial

from kasmcore.api import DlpFilterSpec, ServerConfig, hookimpl
from kasmcore_visible_region.borders import RegionBorders
from kasmcore_visible_region.region import VisibleRegion
from kasmcore_visible_region.settings import configured_borders


@hookimpl
def kasmcore_register_dlp_filters(config: ServerConfig) -> list[DlpFilterSpec]:
    """Offer ``visible_region``; it masks frames only where the settings hide something."""
    borders = configured_borders(config)
    return [
        DlpFilterSpec(
            name="visible_region",
            factory=partial(_region_for, borders),
            masks_frames=borders is not None,
        )
    ]


def _region_for(borders: RegionBorders | None, config: ServerConfig) -> VisibleRegion:
    clicks = config.data_loss_prevention.visible_region.concealed_region
    return VisibleRegion(
        borders=borders,
        allow_click_down=clicks.allow_click_down,
        allow_click_release=clicks.allow_click_release,
    )
