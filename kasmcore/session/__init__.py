"""The only place where the stages meet: one display and those who watch it.

A frame's way: ``frame_flow`` (capture, masks, damage) → ``frame_sender`` (plan, encode, send, one
task per viewer). What comes back: ``viewer_events`` → ``input_flow`` and ``clipboard_flow``.
"""
