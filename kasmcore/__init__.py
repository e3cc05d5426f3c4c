"""kasmcore: a web-native remote desktop server for Linux whose every stage is a plugin."""

__version__ = "0.1.0"
