"""HTTPS, login and the way in for viewers: one port for page, API, WebSocket and metrics."""
