"""What must hold between settings, beyond the limits of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from ipaddress import ip_address

import attrs

from kasmcore.config.fields import core_settings
from kasmcore.config.schema import ServerConfig
from kasmcore.config.tree import SettingsTree
from kasmcore.errors import ConfigError


@attrs.frozen
class Rule:
    """``broken`` says what is wrong with the settings at ``paths``; empty when nothing is."""

    paths: tuple[str, ...]
    broken: Callable[[ServerConfig], str]
    remedy: str


def broken_rules(
    config: ServerConfig, tree: SettingsTree, unreadable: AbstractSet[str]
) -> Iterator[ConfigError]:
    """Yield a problem for each rule that does not hold; skip those about ``unreadable`` paths."""
    for rule in RULES:
        if not unreadable.isdisjoint(rule.paths):
            continue
        if what := rule.broken(config):
            yield ConfigError(what, where=_where(tree, rule.paths), remedy=rule.remedy)


def _where(tree: SettingsTree, paths: tuple[str, ...]) -> str:
    origins = (node.origin for path in paths if (node := tree.find(path)) and tree.is_set(path))
    return ", ".join(dict.fromkeys(str(origin) for origin in origins))


def _some_without_others(group: str, values: dict[str, object]) -> str:
    given = [name for name, value in values.items() if value is not None]
    missing = [name for name, value in values.items() if value is None]
    if not given or not missing:
        return ""
    return f"{group} has {' and '.join(given)}, but no {' and no '.join(missing)}"


_REGION = "data_loss_prevention.visible_region"
_REGION_SIDES = tuple(f"{_REGION}.{side}" for side in ("top", "left", "right", "bottom"))


def _region_incomplete(config: ServerConfig) -> str:
    region = config.data_loss_prevention.visible_region
    sides = {
        "top": region.top,
        "left": region.left,
        "right": region.right,
        "bottom": region.bottom,
    }
    return _some_without_others(_REGION, dict(sides))


def _region_mixed(config: ServerConfig) -> str:
    region = config.data_loss_prevention.visible_region
    sides = [side for side in (region.top, region.left, region.right, region.bottom) if side]
    if len({side.is_percent for side in sides}) < 2:
        return ""
    return f"{_REGION} mixes pixels and percent"


def _relay_incomplete(config: ServerConfig) -> str:
    relay = config.network.unix_relay
    return _some_without_others("network.unix_relay", {"name": relay.name, "path": relay.path})


def _start_too_wide(config: ServerConfig) -> str:
    start, most = config.desktop.resolution.width, config.desktop.maximum_resolution.width
    if start <= most:
        return ""
    return (
        f"desktop.resolution.width is {start}, desktop.maximum_resolution.width is less with {most}"
    )


def _start_too_high(config: ServerConfig) -> str:
    start, most = config.desktop.resolution.height, config.desktop.maximum_resolution.height
    if start <= most:
        return ""
    return (
        f"desktop.resolution.height is {start}, "
        f"desktop.maximum_resolution.height is less with {most}"
    )


def _two_watermarks(config: ServerConfig) -> str:
    watermark = config.data_loss_prevention.watermark
    both = watermark.image is not None and watermark.text.template is not None
    return "data_loss_prevention.watermark has both an image and a text" if both else ""


def _watermark_placed_and_repeated(config: ServerConfig) -> str:
    watermark = config.data_loss_prevention.watermark
    both = watermark.repeat_spacing > 0 and watermark.location is not None
    return "data_loss_prevention.watermark has both location and repeat_spacing" if both else ""


def _scrolls_sideways_only(config: ServerConfig) -> str:
    scrolling = config.encoding.scrolling
    if scrolling.detect_vertical_scrolling or not scrolling.detect_horizontal_scrolling:
        return ""
    return "encoding.scrolling.detect_horizontal_scrolling is on without detect_vertical_scrolling"


def _key_without_certificate(config: ServerConfig) -> str:
    ssl = config.network.ssl
    alone = ssl.pem_key is not None and ssl.pem_certificate is None
    return "network.ssl.pem_key is set without network.ssl.pem_certificate" if alone else ""


def _no_address_family(config: ServerConfig) -> str:
    if config.network.use_ipv4 or config.network.use_ipv6:
        return ""
    return "network.use_ipv4 and network.use_ipv6 are both off"


def _exposed_without_tls(config: ServerConfig) -> str:
    ssl = config.network.ssl
    if (ssl.enabled and ssl.require_ssl) or not _is_exposed(config):
        return ""
    key = "network.ssl.require_ssl" if ssl.enabled else "network.ssl.enabled"
    return (
        f"{key} is false, so that what travels can be read on the way, "
        f"and others can reach network.interface {config.network.interface}"
    )


def _exposed_without_login(config: ServerConfig) -> str:
    if config.security.login_required or not _is_exposed(config):
        return ""
    return (
        "security.login_required is false, so that anybody may use the desktop, "
        f"and others can reach network.interface {config.network.interface}"
    )


def _is_exposed(config: ServerConfig) -> bool:
    """Say whether others can reach the server though that is not allowed without protection.

    What a host name stands for is only known when the server listens; it looks again then.
    """
    try:
        is_loopback = ip_address(config.network.interface).is_loopback
    except ValueError:
        return False
    return not is_loopback and not config.security.allow_insecure_exposure


def _bad_base_path(config: ServerConfig) -> str:
    path = config.network.base_path
    if re.fullmatch(r"/([A-Za-z0-9_~-][A-Za-z0-9._~-]*/?)*", path) and "//" not in path:
        return ""
    return f"network.base_path is '{path}', which is not a path of a URL"


def _bad_origin(config: ServerConfig) -> str:
    bad = [
        origin
        for origin in config.network.allowed_origins
        if not re.fullmatch(r"https?://([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?", origin)
    ]
    return f"network.allowed_origins has '{bad[0]}', which is not an origin" if bad else ""


def _unknown_override(config: ServerConfig) -> str:
    known = {field.path for field in core_settings()}
    listed = config.runtime_configuration.allow_override_list
    unknown = [path for path in listed if path not in known]
    if not unknown:
        return ""
    return f"runtime_configuration.allow_override_list has '{unknown[0]}', which is not a known key"


def _stage_without_plugin(config: ServerConfig) -> str:
    plugins = config.plugins
    stages = {
        "capture": plugins.capture,
        "encoders": plugins.encoders,
        "transports": plugins.transports,
    }
    empty = [f"plugins.{stage}" for stage, names in stages.items() if not names]
    return f"{' and '.join(empty)} has no plugin" if empty else ""


_EXPOSURE_REMEDY = (
    "Leave it on, set network.interface to 127.0.0.1, or set security.allow_insecure_exposure "
    "to true."
)

RULES = (
    Rule(_REGION_SIDES, _region_incomplete, "Set all four sides, or none."),
    Rule(_REGION_SIDES, _region_mixed, "Write all four sides in pixels, or all in percent."),
    Rule(
        ("network.unix_relay.name", "network.unix_relay.path"),
        _relay_incomplete,
        "Set both, or none.",
    ),
    Rule(
        ("desktop.resolution.width", "desktop.maximum_resolution.width"),
        _start_too_wide,
        "Lower the one or raise the other.",
    ),
    Rule(
        ("desktop.resolution.height", "desktop.maximum_resolution.height"),
        _start_too_high,
        "Lower the one or raise the other.",
    ),
    Rule(
        (
            "data_loss_prevention.watermark.image",
            "data_loss_prevention.watermark.text.template",
        ),
        _two_watermarks,
        "Delete one of them.",
    ),
    Rule(
        (
            "data_loss_prevention.watermark.location",
            "data_loss_prevention.watermark.repeat_spacing",
        ),
        _watermark_placed_and_repeated,
        "Delete one of them.",
    ),
    Rule(
        (
            "encoding.scrolling.detect_horizontal_scrolling",
            "encoding.scrolling.detect_vertical_scrolling",
        ),
        _scrolls_sideways_only,
        "Switch both on.",
    ),
    Rule(
        ("network.ssl.pem_key", "network.ssl.pem_certificate"),
        _key_without_certificate,
        "Set the certificate that belongs to the key, too.",
    ),
    Rule(("network.use_ipv4", "network.use_ipv6"), _no_address_family, "Switch one of them on."),
    Rule(
        (
            "network.ssl.enabled",
            "network.ssl.require_ssl",
            "network.interface",
            "security.allow_insecure_exposure",
        ),
        _exposed_without_tls,
        _EXPOSURE_REMEDY,
    ),
    Rule(
        ("security.login_required", "network.interface", "security.allow_insecure_exposure"),
        _exposed_without_login,
        _EXPOSURE_REMEDY,
    ),
    Rule(("network.base_path",), _bad_base_path, "Write a path such as / or /desk/."),
    Rule(
        ("network.allowed_origins",),
        _bad_origin,
        "Write scheme and host, such as https://portal.example, and nothing after them.",
    ),
    Rule(
        ("runtime_configuration.allow_override_list",),
        _unknown_override,
        "Write whole dotted keys, such as pointer.enabled.",
    ),
    Rule(
        ("plugins.capture", "plugins.encoders", "plugins.transports"),
        _stage_without_plugin,
        "Name at least one.",
    ),
)
