"""From loaded plugins and settings to the PluginSet."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import attrs

from kasmcore.config.schema import ServerConfig
from kasmcore.errors import ConfigError, PluginError, PluginUnavailable
from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.interfaces.routes import CommandSpec
from kasmcore.interfaces.stream_encoder import StreamEncoderSpec
from kasmcore.plugin_manager.conflicts import refuse_same_items
from kasmcore.plugin_manager.kinds import CAPTURE, DLP, ENCODERS, TRANSPORTS, Kind
from kasmcore.plugin_manager.ledger import Ledger
from kasmcore.plugin_manager.loading import LoadedPlugin
from kasmcore.plugin_manager.offers import Offers, gather_offers
from kasmcore.plugin_manager.states import PluginCondition
from kasmcore.plugin_set import PluginEvents, PluginSet

SpecT = TypeVar("SpecT")
ItemT = TypeVar("ItemT")


@attrs.frozen
class Resolution:
    """What was chosen, and what each plugin offered (``encoders: rle``), by its name."""

    plugin_set: PluginSet
    offered: Mapping[str, str]
    taking_part: frozenset[str]
    """Plugins of whom something in the set is."""


def resolve(
    loaded: Sequence[LoadedPlugin],
    config: ServerConfig,
    commands: tuple[CommandSpec, ...],
    ledger: Ledger,
) -> Resolution:
    """Call the registering hooks once, choose by the YAML lists; faults go to the ledger."""
    gathered = _gather(loaded, config, ledger)
    _refuse_conflicts(gathered, ledger)
    offers = [one for one in gathered if ledger.is_sound(one.plugin.name)]
    chooser = _Chooser(config, offers, ledger)
    encoders = chooser.choose(ENCODERS, lambda one: one.encoders)
    plugin_set = PluginSet(
        capture_sources=chooser.choose(CAPTURE, lambda one: one.capture),
        encoders=tuple(spec for spec in encoders if isinstance(spec, EncoderSpec)),
        transports=chooser.choose(TRANSPORTS, lambda one: one.transports),
        dlp_filters=chooser.choose(DLP, lambda one: one.dlp),
        stream_encoders=tuple(spec for spec in encoders if isinstance(spec, StreamEncoderSpec)),
        authenticators=tuple(item for one in offers for item in one.authenticators),
        routes=tuple(item for one in offers for item in one.routes),
        commands=commands,
        events=PluginEvents(
            tuple(
                implementation
                for one in offers
                for implementation in one.plugin.implementations.values()
            )
        ),
    )
    offered = {one.plugin.name: one.describe() for one in gathered}
    return Resolution(plugin_set, offered, frozenset(chooser.chosen_plugins))


def _gather(loaded: Sequence[LoadedPlugin], config: ServerConfig, ledger: Ledger) -> list[Offers]:
    gathered = []
    for plugin in loaded:
        if not ledger.is_sound(plugin.name):
            continue
        try:
            gathered.append(gather_offers(plugin, config))
        except PluginUnavailable as error:
            ledger.unavailable(plugin.name, error)
        except PluginError as error:
            ledger.broken(plugin.name, error)
        except ConfigError as error:
            ledger.misconfigured(plugin.name, error)
    return gathered


def _refuse_conflicts(gathered: Sequence[Offers], ledger: Ledger) -> None:
    def refuse(
        items_of: Callable[[Offers], list[ItemT]], key_of: Callable[[ItemT], Hashable], what: str
    ) -> None:
        offered = [(one.plugin.found, item) for one in gathered for item in items_of(one)]
        refuse_same_items(offered, key_of, what, ledger)

    refuse(lambda one: one.capture, CAPTURE.name_of, CAPTURE.singular)
    refuse(lambda one: one.encoders, ENCODERS.name_of, ENCODERS.singular)
    refuse(lambda one: one.transports, TRANSPORTS.name_of, TRANSPORTS.singular)
    refuse(lambda one: one.dlp, DLP.name_of, DLP.singular)
    refuse(lambda one: one.routes, lambda route: (route.method, route.path), "route")


@attrs.define
class _Chooser:
    config: ServerConfig
    offers: Sequence[Offers]
    ledger: Ledger
    chosen_plugins: set[str] = attrs.field(factory=set, init=False)

    def choose(
        self, kind: Kind[SpecT], specs_of: Callable[[Offers], list[SpecT]]
    ) -> tuple[SpecT, ...]:
        """Return the listed specs in the list's order; what is missing goes to the ledger."""
        by_name = {
            kind.name_of(spec): (one.plugin.name, spec)
            for one in self.offers
            for spec in specs_of(one)
        }
        listed = tuple(dict.fromkeys(kind.listed(self.config.plugins)))
        chosen = [by_name[name] for name in listed if name in by_name]
        for name in listed:
            if name not in by_name:
                self._not_offered(kind, name, tuple(by_name))
        is_useless = kind.needed and not any(kind.meets_need(spec) for _, spec in chosen)
        if is_useless and not self.ledger.problems:
            self.ledger.problems.append(
                PluginError(
                    f"no {kind.needed} is left",
                    where=f"plugins.{kind.key}",
                    remedy="Name one that works here; kasmcore plugins lists them.",
                )
            )
        self.chosen_plugins.update(plugin for plugin, _ in chosen)
        return tuple(spec for _, spec in chosen)

    def _not_offered(self, kind: Kind[SpecT], name: str, known: tuple[str, ...]) -> None:
        match self.ledger.condition_of(name):
            case PluginCondition.BLOCKED | PluginCondition.BROKEN:
                return
            case PluginCondition.UNAVAILABLE if kind.may_be_unavailable:
                return
        near = difflib.get_close_matches(name, known, n=1)
        others = (
            f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(known) or 'none'}."
        )
        because = self.ledger.reason_of(name)
        error = PluginError(
            f"no plugin offers the {kind.singular} {name}" + (f": {because}" if because else ""),
            where=f"plugins.{kind.key}",
            remedy=f"Install it, or delete it from the list. {others}",
        )
        self.ledger.missing(kind.key, name, error)
