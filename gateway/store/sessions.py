"""Who is logged in. A session's token is not here: only its SHA-256, which opens nothing."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, insert, select

from gateway.model import Audience
from gateway.store.people import User
from gateway.store.schema import sessions, users


class SessionKind(StrEnum):
    """How a session's token travels: a browser's cookie, or an app's Authorization header."""

    COOKIE = "cookie"
    BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Session:
    """A login that has not ended."""

    token_hash: bytes
    user: User
    kind: SessionKind
    expires_at: float


def add(connection: Connection, session: Session, *, at: float) -> None:
    """A new session of a user."""
    connection.execute(
        insert(sessions).values(
            token_hash=session.token_hash,
            user_id=session.user.id,
            kind=session.kind,
            created_at=at,
            expires_at=session.expires_at,
        )
    )


def get(connection: Connection, token_hash: bytes, *, now: float) -> Session | None:
    """The session of that token's hash, where there is one that has not expired."""
    found = connection.execute(_GET, {"token_hash": token_hash, "now": now}).first()
    if found is None:
        return None
    user_id, login, audience, language, kind, expires_at = found
    user = User(user_id, login, Audience(audience), language)
    return Session(token_hash, user, SessionKind(kind), expires_at)


def end(connection: Connection, token_hash: bytes) -> None:
    """Log out: the token opens nothing from now on."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))


# Asked with every request, so built once.
_GET = (
    select(
        users.c.id,
        users.c.login,
        users.c.audience,
        users.c.language,
        sessions.c.kind,
        sessions.c.expires_at,
    )
    .join(users, users.c.id == sessions.c.user_id)
    .where(
        sessions.c.token_hash == bindparam("token_hash"), sessions.c.expires_at > bindparam("now")
    )
)
