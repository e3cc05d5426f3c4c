"""An HTTP route of one's own: ``/api/plugins/hello`` greets the user who asks.

Use it:  kasmcore run --set 'plugins.files=[hello_route.py]'
"""

from __future__ import annotations

from kasmcore.api import HttpRequest, HttpResponse, Permission, RouteSpec, hookimpl


async def say_hello(request: HttpRequest) -> HttpResponse:
    """Greet whoever is logged in."""
    return HttpResponse(body=f"Hello {request.user.name}\n".encode())


@hookimpl
def kasmcore_register_routes() -> list[RouteSpec]:
    """Offer the route to everyone who may see the desktop."""
    return [
        RouteSpec(
            method="GET",
            path="/api/plugins/hello",
            permission=Permission.READ,
            handler=say_hello,
            summary="Greet the user.",
        )
    ]
