"""What is counted and timed, as values; kept by the session, shown by the server."""
