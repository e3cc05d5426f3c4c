"""The table of HTTP paths that are not files: one entry for each method and path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from urllib.parse import unquote

import attrs

from kasmcore.errors import PluginError
from kasmcore.interfaces.routes import HttpRequest, HttpResponse, RouteSpec
from kasmcore.server.gatekeeper import Visitor
from kasmcore.server.requests import RequestHead, RequestRefused
from kasmcore.values.permissions import Permission, User

PLUGIN_BODY_LIMIT_BYTES = 1024 * 1024
_PLUGIN_PREFIX = "/api/plugins/"


@attrs.frozen
class Call:
    """One request that may pass: who sent it is known, its body is here."""

    head: RequestHead
    visitor: Visitor | None
    """None only where an endpoint is public."""
    body: bytes = attrs.field(repr=False)

    @property
    def user(self) -> User:
        """Who sent it.

        Raises:
            RequestRefused: nobody is logged in (401).
        """
        if self.visitor is None:
            raise RequestRefused(401, "log in first")
        return self.visitor.user


@attrs.frozen(kw_only=True)
class Endpoint:
    """One method and path.

    Attributes:
        method: HTTP method; an endpoint for GET answers HEAD too.
        path: below the base path.
        is_public: True when nobody has to be logged in.
        permission: what the visitor must have.
        body_limit_bytes: most bytes of a body; 0 where none is expected.
        handler: makes the answer.
        summary: one line for people.
    """

    method: str
    path: str
    is_public: bool = False
    permission: Permission = Permission.NONE
    body_limit_bytes: int = 0
    handler: Callable[[Call], Awaitable[HttpResponse]]
    summary: str


@attrs.frozen
class EndpointTable:
    """All endpoints by path and method."""

    _by_path: Mapping[str, Mapping[str, Endpoint]]

    @classmethod
    def of_endpoints(cls, endpoints: Iterable[Endpoint]) -> EndpointTable:
        """Join endpoints.

        Raises:
            PluginError: two for one method and path.
        """
        by_path: dict[str, dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            methods = by_path.setdefault(endpoint.path, {})
            if endpoint.method in methods:
                raise PluginError(
                    f"two routes answer {endpoint.method} {endpoint.path}",
                    where=endpoint.summary,
                    remedy="Block one of the plugins with plugins.block.",
                )
            methods[endpoint.method] = endpoint
        return cls(by_path)

    def find(self, path: str, method: str) -> Endpoint | None:
        """Return the endpoint, or None when there is none for this method and path."""
        return self._by_path.get(path, {}).get("GET" if method == "HEAD" else method)

    def methods(self, path: str) -> tuple[str, ...]:
        """Return the methods that a path knows; empty when there is no such path."""
        known = set(self._by_path.get(path, {}))
        return tuple(sorted(known | {"HEAD"} if "GET" in known else known))


def plugin_endpoint(route: RouteSpec) -> Endpoint:
    """Wrap a plugin's route.

    Raises:
        PluginError: its path is not below ``/api/plugins/``.
    """
    if not route.path.startswith(_PLUGIN_PREFIX) or len(route.path) == len(_PLUGIN_PREFIX):
        raise PluginError(
            f"the route {route.method} {route.path} is not below {_PLUGIN_PREFIX}",
            where=route.summary,
            remedy="Block the plugin with plugins.block, or mend its route.",
        )

    async def handle(call: Call) -> HttpResponse:
        request = HttpRequest(
            method=call.head.method,
            path=unquote(call.head.path),
            query=call.head.query,
            headers=call.head.headers,
            body=call.body,
            user=call.user,
            address=call.head.source.address,
        )
        return await route.handler(request)

    return Endpoint(
        method=route.method.upper(),
        path=route.path,
        permission=route.permission,
        body_limit_bytes=PLUGIN_BODY_LIMIT_BYTES,
        handler=handle,
        summary=route.summary,
    )
