"""The wire protocol without I/O: bytes in, messages out, and back (the page ``protocol.md``)."""
