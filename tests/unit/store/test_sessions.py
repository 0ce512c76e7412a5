"""Logins that have not ended."""

from gateway.model import Audience
from gateway.store import people, sessions
from gateway.store.database import Connection, Database
from gateway.store.people import User
from gateway.store.sessions import Session, SessionKind


def login(connection: Connection, token_hash: bytes, expires_at: float) -> Session:
    found = people.user_and_hash(connection, "sato")
    user = found[0] if found else add_user(connection)
    session = Session(token_hash, user, SessionKind.COOKIE, expires_at)
    sessions.add(connection, session, at=0.0)
    return session


def add_user(connection: Connection) -> User:
    return people.add_user(
        connection,
        login="sato",
        audience=Audience.GUARDIAN,
        password_hash="x",
        language="ja",
        at=0.0,
    )


async def test_a_session_lasts_until_it_expires(database: Database) -> None:
    session = await database.write(login, b"hash", 100.0)
    assert await database.read(sessions.get, b"hash", now=99.9) == session
    assert await database.read(sessions.get, b"hash", now=100.0) is None
    assert await database.read(sessions.get, b"other", now=1.0) is None


async def test_an_ended_session_is_gone_and_others_stay(database: Database) -> None:
    await database.write(login, b"phone", 100.0)
    await database.write(login, b"desk", 100.0)
    await database.write(sessions.end, b"phone")
    assert await database.read(sessions.get, b"phone", now=1.0) is None
    assert await database.read(sessions.get, b"desk", now=1.0) is not None
