"""Import one plugin and check its hooks. Whatever its code raises ends here, as a PluginError."""

from __future__ import annotations

import difflib
import inspect
import logging
import traceback
from collections.abc import Callable, Mapping
from typing import TypeVar

import attrs
import pluggy

from kasmcore import hookspecs
from kasmcore.errors import ConfigError, KasmcoreError, PluginError, PluginUnavailable
from kasmcore.plugin_manager.discovery import FoundPlugin
from kasmcore.plugin_set import HookImplementation

T = TypeVar("T")
_log = logging.getLogger(__name__)
HOOK_NAMES = tuple(name for name in vars(hookspecs) if name.startswith("kasmcore_"))


@attrs.frozen
class LoadedPlugin:
    """An imported plugin whose hooks fit."""

    found: FoundPlugin
    implementations: Mapping[str, HookImplementation]

    @property
    def name(self) -> str:
        """Name of the plugin."""
        return self.found.name

    def offers(
        self, hook: str, item_classes: tuple[type[T], ...], arguments: Mapping[str, object]
    ) -> list[T]:
        """Call its registering hook; ``[]`` when it has none.

        Raises:
            PluginError: it raised, or returned something else than a list of such items.
            PluginUnavailable: it said that it cannot work here.
        """
        implementation = self.implementations.get(hook)
        if implementation is None:
            return []
        result = run_plugin_code(self.found, hook, lambda: implementation.call(arguments))
        if not isinstance(result, list | tuple) or not all(
            isinstance(item, item_classes) for item in result
        ):
            wanted = " or ".join(item_class.__name__ for item_class in item_classes)
            raise fault_of(self.found, f"{hook} returned {result!r:.80}, not a list of {wanted}")
        return list(result)

    def offers_for_certain(
        self, hook: str, item_classes: tuple[type[T], ...], arguments: Mapping[str, object]
    ) -> list[T]:
        """Call a registering hook whose plugin may not be left out by its own wish.

        Raises:
            PluginError: it raised anything, or returned something else than such a list.
        """
        try:
            return self.offers(hook, item_classes, arguments)
        except PluginUnavailable as error:
            raise fault_of(self.found, f"{hook} says: {error}") from error


def load_plugin(found: FoundPlugin, manager: pluggy.PluginManager) -> LoadedPlugin:
    """Import a plugin and register it with pluggy, which checks its hooks' arguments.

    Raises:
        PluginError: it cannot be imported, or a hook of it does not fit.
        PluginUnavailable: it said that it cannot work here.
    """
    plugin = run_plugin_code(found, "its import", found.load)
    _check_hook_marks(found, plugin)
    try:
        manager.register(plugin, found.name)
    except (pluggy.PluginValidationError, ValueError) as error:
        raise fault_of(found, " ".join(str(error).split())) from error
    return LoadedPlugin(found, _implementations(found, plugin, manager))


def run_plugin_code(found: FoundPlugin, what: str, code: Callable[[], T]) -> T:
    """Run code of a plugin at start; the only place where its failure is caught.

    Raises:
        PluginError: whatever it raised, with the place in its source.
        PluginUnavailable, ConfigError: pass through.
    """
    try:
        return code()
    except (PluginUnavailable, ConfigError):
        raise
    except KasmcoreError as error:
        raise fault_of(found, f"{what} says: {error}") from error
    except (Exception, SystemExit) as error:  # border: a plugin's code at start
        _log.debug("plugin %s failed", found.name, exc_info=True)
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{f.filename} line {f.lineno}" for f in frames if "importlib" not in f.filename]
        shown = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
        raise fault_of(found, f"{what} raised {shown}", *places[-1:]) from error


def fault_of(found: FoundPlugin, reason: str, place: str = "") -> PluginError:
    """Build the error that names a broken plugin, its distribution and the ways out."""
    return PluginError(
        f"plugin {found.name} is broken: {reason}",
        where=f"{found}; {place}" if place else str(found),
        remedy=f"Mend, update or uninstall it; or name {found.name} under plugins.optional to "
        "start without it, or under plugins.block to never load it.",
    )


def _check_hook_marks(found: FoundPlugin, plugin: object) -> None:
    for name in HOOK_NAMES:
        function = getattr(plugin, name, None)
        if inspect.isroutine(function) and not hasattr(function, "kasmcore_impl"):
            raise fault_of(found, f"{name} lacks the mark @hookimpl")


def _implementations(
    found: FoundPlugin, plugin: object, manager: pluggy.PluginManager
) -> dict[str, HookImplementation]:
    implementations = {}
    for caller in manager.get_hookcallers(plugin) or ():
        mine = next(one for one in caller.get_hookimpls() if one.plugin is plugin)
        if not caller.has_spec():
            if mine.optionalhook:
                continue
            near = difflib.get_close_matches(caller.name, HOOK_NAMES, n=1)
            hint = f"; did you mean {near[0]}" if near else ""
            raise fault_of(found, f"{caller.name} is no hook{hint}")
        if mine.hookwrapper or mine.wrapper:
            raise fault_of(found, f"{caller.name} is a hook wrapper; only plain hooks are called")
        if inspect.iscoroutinefunction(mine.function):
            raise fault_of(found, f"{caller.name} is async; hooks are plain functions")
        implementations[caller.name] = HookImplementation(
            found.name, caller.name, mine.function, tuple(mine.argnames)
        )
    return {name: implementations[name] for name in HOOK_NAMES if name in implementations}
