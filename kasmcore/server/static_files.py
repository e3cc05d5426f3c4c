"""The browser client's files: read from one directory, nothing outside it, nothing hidden."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

import attrs
import trio

from kasmcore.errors import ConfigError, KasmcoreError
from kasmcore.interfaces.routes import HttpResponse

_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


@attrs.frozen
class StaticFiles:
    """Gives out the files below one directory; they are public."""

    root: Path

    @classmethod
    def of_config(cls, httpd_directory: Path | None) -> StaticFiles:
        """Use the operator's directory, or the client that belongs to this server.

        Raises:
            ConfigError: the directory holds no client.
            KasmcoreError: this installation came without the client.
        """
        if httpd_directory is None:
            return cls(_installed_client())
        if not (httpd_directory / "index.html").is_file():
            raise ConfigError(
                "there is no browser client (index.html) in server.http.httpd_directory",
                where=str(httpd_directory),
                remedy="Name the client's directory, or auto for the client of this server.",
            )
        return cls(httpd_directory.resolve())

    async def respond(self, path: str, if_none_match: str) -> HttpResponse:
        """Answer GET for a percent-encoded path: the file (200), unchanged (304) or 404."""
        file = self.locate(path)
        if file is None:
            return HttpResponse(404, b"not found\n")
        try:
            content = await trio.to_thread.run_sync(file.read_bytes)
        except OSError:  # gone or closed to us since it was found
            return HttpResponse(404, b"not found\n")
        content_type = _CONTENT_TYPES.get(file.suffix.lower(), "application/octet-stream")
        return content_response(content, content_type, if_none_match)

    def locate(self, path: str) -> Path | None:
        """Return the file behind a path, or None when there is none that may be seen."""
        if path.endswith("/"):
            path += "index.html"
        parts = []
        for part in path.removeprefix("/").split("/"):
            name = unquote(part, errors="replace")
            # "." begins hidden files and "..", "__" Python's own files beside the client's
            if not name or name.startswith((".", "__")) or any(c in name for c in "/\\\0"):
                return None
            parts.append(name)
        try:
            file = self.root.joinpath(*parts).resolve()
            is_inside = file.is_relative_to(self.root.resolve())  # links may lead outside
            return file if is_inside and file.is_file() else None
        except OSError:  # such as a name that is too long
            return None


def content_response(content: bytes, content_type: str, if_none_match: str) -> HttpResponse:
    """Answer with content that the browser keeps and asks about each time it uses it."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = (("ETag", etag), ("Cache-Control", "no-cache"))
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    if etag in known or "*" in known:
        return HttpResponse(304, b"", content_type, headers)
    return HttpResponse(200, content, content_type, headers)


def _installed_client() -> Path:
    try:
        root = files("kasmcore.www")
    except ModuleNotFoundError as error:
        raise KasmcoreError(
            "the browser client is not installed",
            where="package kasmcore.www",
            remedy="Install kasmcore with pip, or set server.http.httpd_directory.",
        ) from error
    if not isinstance(root, Path):
        raise KasmcoreError(
            "the browser client is packed in an archive",
            where=str(root),
            remedy="Install kasmcore unpacked, with pip.",
        )
    return root.resolve()
