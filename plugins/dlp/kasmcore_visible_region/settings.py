"""``data_loss_prevention.visible_region`` as borders."""

from __future__ import annotations

from kasmcore.api import ConfigError, ServerConfig
from kasmcore_visible_region.borders import RegionBorders

SETTING = "data_loss_prevention.visible_region"


def configured_borders(config: ServerConfig) -> RegionBorders | None:
    """The region that the settings describe; None when they hide nothing.

    Raises:
        ConfigError: a side is missing, percent and pixels are mixed, or nothing can be seen.
    """
    region = config.data_loss_prevention.visible_region
    left, top, right, bottom = region.left, region.top, region.right, region.bottom
    if left is None and top is None and right is None and bottom is None:
        return None
    if left is None or top is None or right is None or bottom is None:
        raise ConfigError(
            "the visible region lacks a side",
            where=SETTING,
            remedy="Set top, left, right and bottom, or none of them.",
        )
    if len({side.is_percent for side in (left, top, right, bottom)}) > 1:
        raise ConfigError(
            f"the sides {top}, {left}, {right} and {bottom} mix percent and pixels",
            where=SETTING,
            remedy="Write all four as percent or all four as pixels.",
        )
    borders = RegionBorders(
        left=left.amount,
        top=top.amount,
        right=right.amount,
        bottom=bottom.amount,
        are_percent=left.is_percent,
    )
    if borders.hide_everything():
        raise ConfigError(
            f"the sides top {top}, left {left}, right {right} and bottom {bottom} leave nothing "
            "to be seen",
            where=SETTING,
            remedy="Let the region end behind where it begins; percent are what each side hides.",
        )
    return None if borders.hide_nothing() else borders
