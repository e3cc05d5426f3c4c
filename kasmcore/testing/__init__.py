"""For authors of plugins: parts in memory that stand for a desktop, a network and a viewer, and
suites that check a plugin against its interface. Needs the extra ``kasmcore[test]``.
"""

from kasmcore.testing.memory_transport import Link, MemoryConnection, memory_connections
from kasmcore.testing.playbook import ScriptedViewer
from kasmcore.testing.synthetic_desktop import ReceivedInput, SyntheticDesktop

__all__ = [
    "Link",
    "MemoryConnection",
    "ReceivedInput",
    "ScriptedViewer",
    "SyntheticDesktop",
    "memory_connections",
]
