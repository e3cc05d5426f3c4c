"""Capture source `x11`: an X display."""
