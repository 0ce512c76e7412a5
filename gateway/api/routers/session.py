"""Logging in and out, and who one is."""

import math
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, HTTPException, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.answers import Json, told
from gateway.api.callers import COOKIE, Caller, new_token, page_request, token_hash
from gateway.api.parts import Parts, PartsOf
from gateway.api.shapes import BearerToken, Me
from gateway.store import people, sessions
from gateway.store.people import User
from gateway.store.sessions import Session, SessionKind

router = APIRouter(tags=["session"])
_log = structlog.get_logger()
_HOUR_S = 3_600.0


class Credentials(BaseModel):
    """A login and its password."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    login: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=1_024)]


class Wishes(BaseModel):
    """What a user may change of the own account."""

    model_config = ConfigDict(extra="forbid")

    language: Literal["ja", "ja-simple", "en"]


@router.post("/session", status_code=204, dependencies=[Depends(page_request)])
async def log_in(request: Request, credentials: Credentials, parts: PartsOf) -> Response:
    """Log in for the page: sets the cookie `machimori_session`."""
    user = await _checked(request, credentials, parts)
    token, session = await _begin(user, SessionKind.COOKIE, parts)
    answer = Response(status_code=status.HTTP_204_NO_CONTENT)
    _set_cookie(answer, parts, token, max_age_s=session.expires_at - parts.clock.utc())
    return answer


@router.delete("/session", status_code=204)
async def log_out(caller: Caller, parts: PartsOf) -> Response:
    """End this session, and its live streams."""
    await parts.database.write(sessions.end, caller.token_hash)
    parts.stream.end_session(caller.token_hash)
    answer = Response(status_code=status.HTTP_204_NO_CONTENT)
    if caller.kind is SessionKind.COOKIE:
        _set_cookie(answer, parts, "", max_age_s=0)
    return answer


@router.post("/token", responses=told(BearerToken))
async def make_token(request: Request, credentials: Credentials, parts: PartsOf) -> Response:
    """Log in for an app: gives a bearer token."""
    user = await _checked(request, credentials, parts)
    token, session = await _begin(user, SessionKind.BEARER, parts)
    return Json(BearerToken(token, session.expires_at))


@router.get("/me", responses=told(Me))
async def me(caller: Caller) -> Response:
    """Who is logged in."""
    user = caller.user
    return Json(Me(user.login, user.audience, user.language))


@router.patch("/me", status_code=204)
async def change_me(wishes: Wishes, caller: Caller, parts: PartsOf) -> Response:
    """Choose a language."""
    await parts.database.write(people.set_language, caller.user.id, wishes.language)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


async def _checked(request: Request, credentials: Credentials, parts: Parts) -> User:
    """The user. An unknown login, a wrong password and a locked one tell nothing apart."""
    keys = (
        (parts.by_login, credentials.login.casefold()),
        (parts.by_address, _network(request.client.host if request.client else "")),
    )
    now = parts.clock.monotonic()
    locked_for_s = max(throttle.locked_for_s(key, now=now) for throttle, key in keys)
    if locked_for_s:
        _log.warning("login refused", reason="too many attempts")
        raise HTTPException(
            status.HTTP_429_TOO_MANY_REQUESTS,
            "Too many attempts. Wait, then try again.",
            headers={"Retry-After": str(math.ceil(locked_for_s))},
        )
    for throttle, key in keys:
        throttle.attempt(key, now=now)
    found = await parts.database.read(people.user_and_hash, credentials.login)
    known_hash = None if found is None else found[1]
    if not await parts.passwords.fits(known_hash, credentials.password) or found is None:
        _log.warning("login refused", reason="unknown login or wrong password")
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Login or password is wrong.")
    parts.by_login.forget(keys[0][1])
    parts.by_address.take_back(keys[1][1])
    user, password_hash = found
    renewed = await parts.passwords.renewed(password_hash, credentials.password)
    if renewed is not None:
        await parts.database.write(people.set_password_hash, user.id, renewed)
    return user


async def _begin(user: User, kind: SessionKind, parts: Parts) -> tuple[str, Session]:
    now = parts.clock.utc()
    token = new_token()
    expires_at = now + parts.settings.session_hours * _HOUR_S
    session = Session(token_hash(token), user, kind, expires_at)
    await parts.database.write(sessions.add, session, at=now)
    return token, session


def _set_cookie(answer: Response, parts: Parts, token: str, *, max_age_s: float) -> None:
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(max_age_s),
        httponly=True,
        samesite="strict",
        secure=parts.settings.cookie_secure,
    )


def _network(host: str) -> str:
    """One who is given a whole IPv6 network is one address."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return address.exploded[:19]
    return host
