"""Who asks: a session by cookie (the page) or by bearer token (apps), and of which audience."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Request, Security, status
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from gateway.api.parts import PartsOf
from gateway.model import Audience
from gateway.store import sessions
from gateway.store.sessions import Session, SessionKind

COOKIE = "machimori_session"
_TOKEN_BYTES = 32
_SAFE = ("GET", "HEAD", "OPTIONS")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="The page: POST /session.")
_bearer = HTTPBearer(auto_error=False, description="Apps: POST /token.")


def new_token() -> str:
    """256 random bits, as text for a cookie or a header."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """What the database knows of a token."""
    return hashlib.sha256(token.encode()).digest()


async def page_request(
    request: Request,
    x_machimori: Annotated[
        str, Header(description="`1`: proves that no foreign page sent this.")
    ] = "",
) -> None:
    """Refuse what changes something unless our own page sent it: no foreign page can set this."""
    if request.method not in _SAFE and x_machimori != "1":
        raise HTTPException(
            status.HTTP_403_FORBIDDEN, "Send the header X-Machimori: 1 with this request."
        )


async def _caller(
    request: Request,
    parts: PartsOf,
    cookie: Annotated[str | None, Security(_cookie)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    x_machimori: Annotated[
        str, Header(description="`1`, with a cookie and a method that changes something.")
    ] = "",
) -> Session:
    token = bearer.credentials if bearer is not None else cookie
    session = None
    if token:
        session = await parts.database.read(sessions.get, token_hash(token), now=parts.clock.utc())
    came_as = SessionKind.COOKIE if bearer is None else SessionKind.BEARER
    if session is None or session.kind is not came_as:
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED,
            "Log in first.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if session.kind is SessionKind.COOKIE:
        await page_request(request, x_machimori)
    return session


def _only(*audiences: Audience) -> Callable[[Session], Awaitable[Session]]:
    async def caller(session: Caller) -> Session:
        if session.user.audience not in audiences:
            raise HTTPException(status.HTTP_403_FORBIDDEN, "This is not for your account.")
        return session

    return caller


Caller = Annotated[Session, Depends(_caller)]
"""Anyone who is logged in."""

Guardian = Annotated[Session, Depends(_only(Audience.GUARDIAN))]
"""The one audience that sees persons."""

Technician = Annotated[Session, Depends(_only(Audience.TECHNICIAN))]
"""Those who install and prove devices."""

Alerted = Annotated[Session, Depends(_only(Audience.GUARDIAN, Audience.STAFF, Audience.TECHNICIAN))]
"""Those whom alerts are for."""

Staff = Annotated[Session, Depends(_only(Audience.STAFF))]
"""Those who say how the lights are run."""

StaffOrTechnician = Annotated[Session, Depends(_only(Audience.STAFF, Audience.TECHNICIAN))]
"""Those who look after the lights."""
