"""Two that offer one name: all of them named, none chosen by chance."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from kasmcore.errors import PluginError
from kasmcore.plugin_manager.discovery import FoundPlugin
from kasmcore.plugin_manager.ledger import Ledger

T = TypeVar("T")


def refuse_same_names(found: Iterable[FoundPlugin], ledger: Ledger) -> None:
    """Write down plugins of one name from two origins as broken: none of them is loaded."""
    by_name: dict[str, list[FoundPlugin]] = {}
    for plugin in found:
        by_name.setdefault(plugin.name, []).append(plugin)
    for name, rivals in by_name.items():
        if len(rivals) > 1:
            where = " and ".join(map(str, rivals))
            error = PluginError(
                f"{len(rivals)} plugins have the name {name}",
                where=where,
                remedy=f"Uninstall all but one; or name {name} under plugins.block to use none.",
            )
            ledger.broken(name, error)


def refuse_same_items(
    offered: Iterable[tuple[FoundPlugin, T]],
    key_of: Callable[[T], Hashable],
    what: str,
    ledger: Ledger,
) -> None:
    """Write down as broken each plugin whose item has the key of one before.

    Of two, the one that is optional is to blame.

    Args:
        offered: all items with the plugins that offer them.
        key_of: two items with the same key conflict.
        what: what the items are, for the message, e.g. ``encoder``.
        ledger: takes the conflicts.
    """
    first: dict[Hashable, FoundPlugin] = {}
    for plugin, item in sorted(offered, key=lambda offer: offer[0].name in ledger.optional):
        key = key_of(item)
        if key not in first:
            first[key] = plugin
            continue
        rival = first[key]
        error = PluginError(
            f"{what} {_shown(key)} is offered twice, by plugin {rival.name} and by {plugin.name}",
            where=str(rival) if rival == plugin else f"{rival} and {plugin}",
            remedy="Uninstall one of them, or name it under plugins.block.",
        )
        ledger.broken(plugin.name, error)


def _shown(key: Hashable) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
