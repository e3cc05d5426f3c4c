"""Signing in and out, over real sockets and real password hashes."""

from __future__ import annotations

import logging
from ipaddress import ip_network

import attrs
import pytest

from kasmcore.api import Credentials, Permission, User
from kasmcore.config.schema_network import BruteForceProtectionConfig
from kasmcore.server.server_setup import ServerSetup
from kasmcore.users.records import UserRecord
from kasmcore.values.permissions import FULL_PERMISSIONS
from tests.integration.server.conftest import PASSWORD, StartServer
from tests.integration.server.raw_http import JSON, basic, log_in, login_body, request


def with_security(setup: ServerSetup, **changes: object) -> ServerSetup:
    security = attrs.evolve(setup.config.security, **changes)  # type: ignore[arg-type]
    return attrs.evolve(setup, config=attrs.evolve(setup.config, security=security))


def with_network(setup: ServerSetup, **changes: object) -> ServerSetup:
    network = attrs.evolve(setup.config.network, **changes)  # type: ignore[arg-type]
    return attrs.evolve(setup, config=attrs.evolve(setup.config, network=network))


async def test_a_login_sets_a_cookie_that_proves_the_user(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    reply = await log_in(port, "wanda", PASSWORD)
    assert (reply.status, reply.body) == (204, b"")
    cookie = reply.headers["set-cookie"]
    assert cookie.startswith(f"kasmcore_{port}=")
    assert cookie.endswith("; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict")
    client = await request(port, "GET", "/api/client", {"Cookie": reply.cookie})
    assert client.json == {
        "version": client.json["version"],
        "desktop_name": "test desk",
        "user": {"name": "wanda", "permissions": ["read", "write"]},
        "login_required": True,
        "transports": [{"name": "echo", "path": "transports/echo"}],
        "upgrade": "auto",
        "decoders": {},
    }
    assert client.headers["cache-control"] == "no-store"


async def test_nobody_is_told_about_the_client_without_login(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    reply = await request(port, "GET", "/api/client")
    assert (reply.status, list(reply.json)) == (401, ["error"])
    assert not reply.headers["www-authenticate"].lower().startswith("basic")


@pytest.mark.parametrize(
    ("name", "password"),
    [("alice", "wrong"), ("alice", ""), ("nobody", PASSWORD), ("Alice", PASSWORD)],
)
async def test_wrong_credentials_are_refused_alike(
    start_server: StartServer, setup: ServerSetup, name: str, password: str
) -> None:
    port = (await start_server(setup)).port
    reply = await log_in(port, name, password)
    assert (reply.status, reply.json) == (401, {"error": "wrong user name or password"})
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (JSON, b"", 400),
        (JSON, b"{", 400),
        (JSON, b"[]", 400),
        (JSON, b"\xff", 400),
        (JSON, b"[" * 4000, 400),
        (JSON, b'{"username": "alice"}', 400),
        (JSON, b'{"username": 1, "password": "x"}', 400),
        (JSON, b'{"username": "", "password": "x"}', 400),
        ({"Content-Type": "text/plain"}, login_body("alice", PASSWORD), 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"username=alice", 415),
        (JSON, b" " * 4097, 413),
        (JSON, login_body("alice", "x" * 5000), 413),
    ],
)
async def test_a_malformed_login_is_refused(
    start_server: StartServer, setup: ServerSetup, headers: dict[str, str], body: bytes, status: int
) -> None:
    port = (await start_server(setup)).port
    reply = await request(port, "POST", "/api/login", headers, body)
    assert reply.status == status
    assert "error" in reply.json


async def test_guessing_is_braked_and_the_wait_is_told(
    start_server: StartServer, setup: ServerSetup, caplog: pytest.LogCaptureFixture
) -> None:
    brake = BruteForceProtectionConfig(blacklist_threshold=2, blacklist_timeout=300)
    port = (await start_server(with_security(setup, brute_force_protection=brake))).port
    assert [(await log_in(port, "alice", "wrong")).status for _ in range(2)] == [401, 401]
    reply = await log_in(port, "alice", PASSWORD)
    assert reply.status == 429
    assert reply.headers["retry-after"] == str(reply.json["retry_after_s"])
    assert 1 <= int(reply.headers["retry-after"]) <= 300
    assert (await request(port, "GET", "/api/client", basic("alice", PASSWORD))).status == 429
    assert caplog.text.count("login refused for 'alice' from 127.0.0.1") == 2


async def test_a_success_takes_the_brake_off(start_server: StartServer, setup: ServerSetup) -> None:
    brake = BruteForceProtectionConfig(blacklist_threshold=2, blacklist_timeout=300)
    port = (await start_server(with_security(setup, brute_force_protection=brake))).port
    for _ in range(3):
        assert (await log_in(port, "alice", "wrong")).status == 401
        assert (await log_in(port, "alice", PASSWORD)).status == 204


async def test_a_page_load_without_credentials_is_no_failed_login(
    start_server: StartServer, setup: ServerSetup
) -> None:
    brake = BruteForceProtectionConfig(blacklist_threshold=1, blacklist_timeout=300)
    port = (await start_server(with_security(setup, brute_force_protection=brake))).port
    for _ in range(5):
        assert (await request(port, "GET", "/api/client")).status == 401
        assert (await request(port, "GET", "/", {"Cookie": f"kasmcore_{port}=x"})).status == 303
        assert (await request(port, "GET", "/", basic("for the", "proxy"))).status == 303
    assert (await log_in(port, "alice", PASSWORD)).status == 204


@pytest.mark.parametrize(("trusts_us", "second_status"), [(False, 429), (True, 401)])
async def test_only_a_trusted_proxy_says_whose_guess_it_was(
    start_server: StartServer, setup: ServerSetup, trusts_us: bool, second_status: int
) -> None:
    brake = BruteForceProtectionConfig(blacklist_threshold=1, blacklist_timeout=300)
    trusted = (ip_network("127.0.0.0/8"),) if trusts_us else ()
    setup = with_network(
        with_security(setup, brute_force_protection=brake), trusted_proxies=trusted
    )
    port = (await start_server(setup)).port
    statuses = []
    for client in ("192.0.2.1", "192.0.2.2"):
        headers = {**JSON, "X-Forwarded-For": client}
        body = login_body("alice", "wrong")
        statuses.append((await request(port, "POST", "/api/login", headers, body)).status)
    assert statuses == [401, second_status]


async def test_a_password_for_a_proxy_does_not_stand_in_the_way_of_a_cookie(
    start_server: StartServer, setup: ServerSetup
) -> None:
    brake = BruteForceProtectionConfig(blacklist_threshold=1, blacklist_timeout=300)
    port = (await start_server(with_security(setup, brute_force_protection=brake))).port
    headers = {
        "Cookie": (await log_in(port, "alice", PASSWORD)).cookie,
        **basic("for the", "proxy"),
    }
    for _ in range(3):
        assert (await request(port, "GET", "/api/client", headers)).status == 200


async def test_signing_out_ends_the_session(start_server: StartServer, setup: ServerSetup) -> None:
    port = (await start_server(setup)).port
    headers = {"Cookie": (await log_in(port, "alice", PASSWORD)).cookie}
    other = {"Cookie": (await log_in(port, "alice", PASSWORD)).cookie}
    reply = await request(port, "POST", "/api/logout", headers)
    assert reply.status == 204
    assert "Max-Age=0" in reply.headers["set-cookie"]
    assert (await request(port, "GET", "/api/client", headers)).status == 401
    assert (await request(port, "GET", "/api/client", other)).status == 200
    assert (await request(port, "POST", "/api/logout")).status == 204


async def test_rights_change_for_those_who_are_logged_in(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    headers = {"Cookie": (await log_in(port, "wanda", PASSWORD)).cookie}
    record = setup.users.record("wanda")
    assert record is not None
    assert (await request(port, "GET", "/metrics", headers)).status == 403

    setup.users.edit("wanda", lambda _: attrs.evolve(record, permissions=FULL_PERMISSIONS))
    assert (await request(port, "GET", "/metrics", headers)).status == 200

    setup.users.edit("wanda", lambda _: attrs.evolve(record, password_hash="$argon2id$new"))
    assert (await request(port, "GET", "/api/client", headers)).status == 401


async def test_a_removed_user_is_logged_out(start_server: StartServer, setup: ServerSetup) -> None:
    port = (await start_server(setup)).port
    headers = {"Cookie": (await log_in(port, "wanda", PASSWORD)).cookie}
    setup.users.edit("wanda", lambda _: None)
    assert (await request(port, "GET", "/api/client", headers)).status == 401
    assert (await log_in(port, "wanda", PASSWORD)).status == 401


async def test_a_locked_user_cannot_come_back_with_an_old_cookie(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    headers = {"Cookie": (await log_in(port, "wanda", PASSWORD)).cookie}
    setup.users.edit("wanda", lambda _: UserRecord("wanda", "!", Permission.NONE))
    assert (await request(port, "GET", "/api/client", headers)).status == 401


@pytest.mark.parametrize("value", ["Basic", "Basic !!!", "Basic YWxpY2U=", "Basic /w=="])
async def test_a_malformed_authorization_header_is_refused(
    start_server: StartServer, setup: ServerSetup, value: str
) -> None:
    port = (await start_server(setup)).port
    reply = await request(port, "GET", "/api/client", {"Authorization": value})
    assert reply.status == 400


class TokenLogin:
    """Knows one bearer token, one header that a proxy sets, and one name that the file has, too."""

    name = "token"

    async def authenticate(self, credentials: Credentials, address: str) -> User | None:
        if credentials.bearer_token == "s3cr3t":
            return User("robot", Permission.READ)
        if ("x-remote-user", "proxied") in credentials.headers:
            return User("proxied", Permission.READ | Permission.WRITE)
        if (credentials.username, credentials.password) == ("alice", "plugin"):
            return User("alice", Permission.READ)
        return None


async def test_plugins_are_asked_before_the_users_file(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(attrs.evolve(setup, authenticators=(TokenLogin(),)))).port

    async def name_for(headers: dict[str, str]) -> object:
        reply = await request(port, "GET", "/api/client", headers)
        return reply.json["user"] if reply.status == 200 else reply.status

    assert await name_for({"Authorization": "Bearer s3cr3t"}) == {
        "name": "robot",
        "permissions": ["read"],
    }
    assert await name_for({"Authorization": "Bearer wrong"}) == 401
    assert await name_for({"X-Remote-User": "proxied"}) == {
        "name": "proxied",
        "permissions": ["read", "write"],
    }
    assert await name_for(basic("victor", PASSWORD)) == {"name": "victor", "permissions": ["read"]}
    # A plugin's alice keeps the plugin's rights; those of the file's alice do not leak to her.
    cookie = (await log_in(port, "alice", "plugin")).cookie
    assert await name_for({"Cookie": cookie}) == {"name": "alice", "permissions": ["read"]}


async def test_without_login_everyone_is_local_with_all_rights(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(with_security(setup, login_required=False))).port
    client = (await request(port, "GET", "/api/client")).json
    assert client["login_required"] is False
    assert client["user"] == {"name": "local", "permissions": ["read", "write", "owner"]}
    assert (await request(port, "GET", "/")).body == b"<title>desktop</title>"


async def test_without_login_a_name_that_foreign_dns_controls_is_refused(
    start_server: StartServer, setup: ServerSetup
) -> None:
    setup = with_security(setup, login_required=False)
    setup = with_network(setup, allowed_origins=("https://desk.example",))
    port = (await start_server(setup)).port
    for host, status in {
        "evil.example": 403,
        f"evil.example:{port}": 403,
        "desk.example": 200,
        f"localhost:{port}": 200,
        f"127.0.0.1:{port}": 200,
    }.items():
        assert (await request(port, "GET", "/api/client", {"Host": host})).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({}, 204),
    ],
)
async def test_a_foreign_page_cannot_log_somebody_in(
    start_server: StartServer, setup: ServerSetup, headers: dict[str, str], status: int
) -> None:
    port = (await start_server(setup)).port
    body = login_body("alice", PASSWORD)
    reply = await request(port, "POST", "/api/login", {**JSON, **headers}, body)
    assert reply.status == status


async def test_behind_a_proxy_with_tls_the_cookie_is_secure(
    start_server: StartServer, setup: ServerSetup
) -> None:
    setup = with_network(setup, trusted_proxies=(ip_network("127.0.0.1/32"),))
    port = (await start_server(setup)).port
    headers = {
        **JSON,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "desk.example",
        "Origin": "https://desk.example",
    }
    reply = await request(port, "POST", "/api/login", headers, login_body("alice", PASSWORD))
    assert reply.status == 204
    assert reply.headers["set-cookie"].endswith("; Secure")


async def test_no_password_cookie_or_query_is_logged(
    start_server: StartServer, setup: ServerSetup, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        port = (await start_server(setup)).port
        await log_in(port, "alice", "a wrong password")
        cookie = (await log_in(port, "alice", PASSWORD)).cookie
        await request(port, "GET", "/api/client?token=in-the-query", {"Cookie": cookie})
        await request(port, "GET", "/api/client", basic("alice", PASSWORD))
    for secret in ("a wrong password", PASSWORD, cookie.partition("=")[2], "in-the-query"):
        assert secret not in caplog.text
    lines = [r.message for r in caplog.records if r.name == "kasmcore.access"]
    assert any(line.startswith('127.0.0.1 alice "GET /api/client" 200 ') for line in lines)
    assert any(line.startswith('127.0.0.1 - "POST /api/login" 401 ') for line in lines)
    assert len(lines) == 4
