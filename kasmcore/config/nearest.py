"""What somebody probably meant by a key that is not known."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

_CLOSE_ENOUGH = 0.65


def nearest_path(path: str, known: Sequence[str]) -> str | None:
    """Return the known dotted path that looks most like this one; None when none does.

    A slip within the same group goes before the same or a similar word in another group.
    """
    parent, _, name = path.rpartition(".")
    siblings = {other.rpartition(".")[2]: other for other in known if _parent(other) == parent}
    if close := get_close_matches(name, siblings, n=1, cutoff=_CLOSE_ENOUGH):
        return siblings[close[0]]
    names = list(dict.fromkeys(other.rpartition(".")[2] for other in known))
    if close := get_close_matches(name, names, n=1, cutoff=_CLOSE_ENOUGH):
        elsewhere = [other for other in known if other.rpartition(".")[2] == close[0]]
        return get_close_matches(path, elsewhere, n=1, cutoff=0)[0]
    return None


def remedy_for_unknown_key(path: str, known: Sequence[str]) -> str:
    """Say what to do about a key that is not known."""
    if path in known:
        return "Write one group inside the other; a key holds no dots."
    if nearest := nearest_path(path, known):
        return f"Did you mean {nearest}?"
    parent = _parent(path)
    while parent and parent not in known:
        parent = _parent(parent)
    return f"Delete it; kasmcore explain {parent}".rstrip() + " lists what is known."


def _parent(path: str) -> str:
    return path.rpartition(".")[0]
