"""Logging: one handler, text or JSON lines, and no secret in either.

Levels are KasmVNC's numbers: 0 errors only, 10 warnings as well, 30 what happens (the default),
100 everything.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

HIDDEN = "[hidden]"
_HIDDEN_NAME = (
    r"[\w.-]{0,40}(?:pass(?:word|wd|phrase)|secret|token|api[_-]?key|credential|session[_-]?(?:id|key)"
    r"|ticket)[\w.-]{0,40}"
)
_HEADER = r"(?:proxy-)?authorization|(?:set-)?cookie"
_QUOTED = r"b?\"(?:[^\"\\]|\\.)*\"|b?'(?:[^'\\]|\\.)*'"
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    # 'cookie': 'a=b'   (b'authorization', b'Basic …')   "password": "x"
    (
        re.compile(rf"(['\"](?:{_HEADER}|{_HIDDEN_NAME})['\"]\s*[:,=]\s*)(?:{_QUOTED})", re.I),
        rf"\1'{HIDDEN}'",
    ),
    # Authorization: Basic …   Cookie: a=b; c=d
    (re.compile(rf"\b((?:{_HEADER})\s*[:=]\s*)(?!['\"]?\[hidden)[^\r\n]+", re.I), rf"\1{HIDDEN}"),
    # Basic …, Bearer … on their own
    (re.compile(r"\b(Basic|Bearer)\s+[A-Za-z0-9._~+/=-]+"), rf"\1 {HIDDEN}"),
    # password='a b'
    (re.compile(rf"\b({_HIDDEN_NAME}\s*[=:]\s*)(?:{_QUOTED})", re.I), rf"\1{HIDDEN}"),
    # ?password=…&   token=…   password: …
    (
        re.compile(rf"\b({_HIDDEN_NAME}\s*[=:]\s*)(?!['\"]?\[hidden)[^\s&;,'\")\]}}]+", re.I),
        rf"\1{HIDDEN}",
    ),
    # https://user:secret@host
    (re.compile(r"(\w+://[^\s/:@]*:)[^\s/@]+@"), rf"\1{HIDDEN}@"),
    # password hashes
    (re.compile(r"\$(?:argon2\w*|2[aby]|5|6|y)\$[^\s'\"]+"), HIDDEN),
)
_CONTROL_CHARACTERS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def hide_secrets(text: str) -> str:
    """Return the text with every password, token, cookie and credential replaced."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class SecretFilter(logging.Filter):
    """Rewrites each record before any formatter sees it: message, traceback and stack."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Hide secrets in the record; never drops it."""
        record.msg = hide_secrets(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = hide_secrets(record.exc_text)
        if record.stack_info:
            record.stack_info = hide_secrets(record.stack_info)
        return True


def _time_of(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextFormatter(logging.Formatter):
    """``time level logger message``; a message stays on its line, whatever a peer put in it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the first line of the record."""
        message = record.message.translate(_CONTROL_CHARACTERS)
        return f"{_time_of(record)} {record.levelname} {record.name} {message}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message and, after an error, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        entry = {
            "time": _time_of(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_text:
            entry["exception"] = record.exc_text
        return json.dumps(entry, ensure_ascii=False)


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to what ``sys.stderr`` is at the time, so that a redirection holds for logs, too."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self.stream = sys.stderr
        super().emit(record)


def python_level(level: int) -> int:
    """Translate KasmVNC's 0 to 100 into Python's levels."""
    if level >= 100:
        return logging.DEBUG
    if level >= 30:
        return logging.INFO
    return logging.WARNING if level >= 10 else logging.ERROR


def setup_logging(level: int = 30, log_format: str = "text") -> None:
    """Send all logs to stderr in this format; may be called again when the settings are known.

    Args:
        level: 0 (errors only) to 100 (everything), as ``logging.level`` in the YAML.
        log_format: ``text`` or ``json``.
    """
    handler = StderrHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    handler.addFilter(SecretFilter())
    root = logging.getLogger()
    for previous in [each for each in root.handlers if isinstance(each, StderrHandler)]:
        root.removeHandler(previous)
    root.addHandler(handler)
    root.setLevel(python_level(level))
