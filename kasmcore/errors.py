"""Errors that a person reads: what happened (where). what to do."""

from __future__ import annotations

from collections.abc import Sequence


class KasmcoreError(Exception):
    """Something a person must know or mend.

    Args:
        what: what happened, without a full stop.
        where: file and line, address, plugin or setting it concerns; empty if nowhere.
        remedy: what to do about it, as a sentence; empty if nothing can be done.
    """

    exit_status = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.what} ({self.where})" if self.where else self.what
        return f"{text}. {self.remedy}" if self.remedy else text


class ConfigError(KasmcoreError):
    """A setting cannot be used; the server does not start."""

    exit_status = 2


class ConfigErrors(ConfigError):
    """Every setting that cannot be used, together; the server does not start."""

    def __init__(self, problems: list[ConfigError]) -> None:
        self.problems = problems
        super().__init__(f"{len(problems)} settings cannot be used")

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class PluginUnavailable(KasmcoreError):
    """A plugin cannot work here (a library or device is missing); it is left out with a warning."""


class PluginError(KasmcoreError):
    """A plugin is broken or conflicts with another one; the server does not start."""

    exit_status = 3


class PluginErrors(PluginError):
    """Everything that is wrong with the plugins, together; the server does not start."""

    def __init__(self, problems: Sequence[KasmcoreError]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(problems)} plugins cannot be used")

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class CaptureEnded(KasmcoreError):
    """The display is gone; the session ends in order."""

    exit_status = 4


class ListenError(KasmcoreError):
    """The server cannot listen on its address."""

    exit_status = 5


class RemoteProtocolError(KasmcoreError):
    """The peer broke the protocol; only its connection ends."""


class ConnectionEnded(KasmcoreError):
    """The connection is closed or broken.

    Args:
        is_in_order: True when the peer closed it: it does not mean to come back.
    """

    def __init__(self, what: str, *, is_in_order: bool = False) -> None:
        self.is_in_order = is_in_order
        super().__init__(what)


class EncodeError(KasmcoreError):
    """An encoder could not encode; the next encoder in the list takes its place."""
