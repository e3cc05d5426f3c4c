"""Who is watching."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from kasmcore.session.viewer import Viewer, ViewerCounters
from kasmcore.values.permissions import Permission, User
from kasmcore.values.viewer_updates import Farewell, PermissionsChanged


@attrs.define(eq=False)
class ViewerRegistry:
    """The viewers of a session, by number; numbers are never used twice."""

    maximum: int
    _viewers: dict[int, Viewer] = attrs.field(factory=dict, init=False)
    _last_id: int = attrs.field(default=0, init=False)
    _departed: ViewerCounters = attrs.field(factory=ViewerCounters, init=False)
    """What viewers that have left had got."""

    def __iter__(self) -> Iterator[Viewer]:
        return iter(list(self._viewers.values()))

    def __len__(self) -> int:
        return len(self._viewers)

    def is_full(self) -> bool:
        """True when nobody else may join."""
        return len(self._viewers) >= self.maximum

    def next_id(self) -> int:
        """A number for a new viewer."""
        self._last_id += 1
        return self._last_id

    def add(self, viewer: Viewer) -> None:
        """A viewer has joined."""
        self._viewers[viewer.info.viewer_id] = viewer

    def remove(self, viewer: Viewer) -> None:
        """A viewer has left; safe to repeat."""
        if self._viewers.pop(viewer.info.viewer_id, None) is not None:
            self._departed.add(viewer.counters)

    def totals(self) -> ViewerCounters:
        """What all viewers got since the session began."""
        totals = ViewerCounters()
        for counters in (self._departed, *(viewer.counters for viewer in self)):
            totals.add(counters)
        return totals

    def change_user(self, user: User) -> list[Viewer]:
        """A user's rights are now these.

        Returns: this user's viewers whose rights changed.
        """
        changed = [v for v in self if v.user.name == user.name and v.user != user]
        for viewer in changed:
            lost_sight = viewer.may(Permission.READ) != (Permission.READ in user.permissions)
            viewer.user = user
            viewer.outbox.put(PermissionsChanged(user.permissions))
            if lost_sight:
                viewer.forget_picture()
            viewer.wake()
        return changed

    def dismiss_user(self, name: str, reason: str) -> None:
        """End the connections of a user that was removed."""
        for viewer in self:
            if viewer.user.name == name:
                viewer.outbox.put(Farewell(reason, may_reconnect=False))
