"""What each kind of plugin implements; re-exported to plugins by ``kasmcore.api``."""
