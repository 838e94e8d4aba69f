"""Who may come in: a key with the right role, or, while a project has no key, somebody on this very machine."""

from __future__ import annotations

from swerve.errors import ConfigError, Forbidden
from swerve.server.call import Call
from swerve.server.config import ServerConfig
from swerve.server.context import is_loopback
from swerve.server.keys import Keys, Role
from swerve.server.problems import HostUnknown


def check_bind(config: ServerConfig, keys: Keys) -> None:
    """Raise ConfigError rather than serve a network without keys."""
    if not is_loopback(config.host) and not len(keys):
        raise ConfigError(
            "any bind but a loopback one needs an API key: make one with `swerve key create --role operator`, "
            "or bind to 127.0.0.1",
            field="server.host",
        )


def admit(call: Call, roles: frozenset[Role] | None) -> None:
    """Raise Unauthorized, Forbidden or HostUnknown unless the caller may use a route of these roles."""
    if roles is None:
        return
    if call.context.open:
        check_site(call)
    elif call.context.keys.role(call.key()) not in roles:
        needed = ", ".join(sorted(role.value for role in roles))
        raise Forbidden(f"the role of this key may not do this; needed is one of: {needed}")


def check_site(call: Call) -> None:
    """Without keys, a web page must not reach the project through its visitor's browser.

    A page whose name was made to point here still sends that name as `Host`; a page elsewhere sends its `Origin`.
    """
    known = call.context.hosts
    host = call.headers.get(b"host")
    if host is not None and _name(host) not in known:
        raise HostUnknown("the Host header names another site; see server.allowed_hosts", field="host")
    origin = call.headers.get(b"origin")
    if origin is not None and _name(origin.partition(b"://")[2]) not in known:
        raise Forbidden("pages of other sites may not ask here", field="origin", code="origin")


def _name(host: bytes) -> str:
    """A host without its port."""
    text = host.decode("latin-1").lower()
    name, colon, port = text.rpartition(":")
    return name if colon and port.isdigit() else text
