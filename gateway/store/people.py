"""Users, carriers, tags, and who is whose guardian. A carrier's name is nowhere but here."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.model import Audience, CarrierKind, TagIdentifier, Trust, UnusableError
from gateway.store.schema import carriers, guardianships, tag_identifiers, tags, users


class TakenError(UnusableError):
    """A login, carrier, tag or identifier that is already there; the message says which."""


class UnknownError(UnusableError):
    """A user, carrier or tag that is not there; the message says which."""


@dataclass(frozen=True, slots=True)
class User:
    """One who may log in. `language` is "ja", "ja-simple" or "en"."""

    id: int
    login: str
    audience: Audience
    language: str


@dataclass(frozen=True, slots=True)
class Carrier:
    """A person who carries a tag."""

    id: str
    name: str
    kind: CarrierKind


@dataclass(frozen=True, slots=True)
class Tag:
    """A device, its carrier, and who consented to it when; without consent there is no tag."""

    id: str
    carrier: str
    trust: Trust
    consent_at: float
    consent_by: str


@dataclass(frozen=True, slots=True)
class Ward:
    """A carrier as its guardian sees it: with its tags, the one that was last given first."""

    carrier: Carrier
    tags: tuple[Tag, ...]


# --- users ----------------------------------------------------------------------------------------


def add_user(
    connection: Connection,
    *,
    login: str,
    audience: Audience,
    password_hash: str,
    language: str,
    at: float,
) -> User:
    """A new user. Raises TakenError."""
    row = insert(users).values(
        login=login,
        audience=audience,
        password_hash=password_hash,
        language=language,
        created_at=at,
    )
    try:
        user_id = connection.execute(row.returning(users.c.id)).scalar_one()
    except IntegrityError as error:
        raise TakenError(f"There is a user {login} already.") from error
    return User(user_id, login, audience, language)


def user_and_hash(connection: Connection, login: str) -> tuple[User, str] | None:
    """The user of that login and its password's hash, to check a login with."""
    found = connection.execute(
        select(
            users.c.id, users.c.login, users.c.audience, users.c.language, users.c.password_hash
        ).where(users.c.login == login)
    ).first()
    if found is None:
        return None
    user_id, login, audience, language, password_hash = found
    return User(user_id, login, Audience(audience), language), password_hash


def user(connection: Connection, login: str) -> User:
    """The user of that login. Raises UnknownError."""
    found = user_and_hash(connection, login)
    if found is None:
        raise UnknownError(f"There is no user {login}.")
    return found[0]


def set_language(connection: Connection, user_id: int, language: str) -> None:
    """What a user wants to read."""
    connection.execute(update(users).where(users.c.id == user_id).values(language=language))


def set_password_hash(connection: Connection, user_id: int, password_hash: str) -> None:
    """A new password, or the old one hashed with newer parameters."""
    connection.execute(
        update(users).where(users.c.id == user_id).values(password_hash=password_hash)
    )


# --- carriers and tags ----------------------------------------------------------------------------


def add_carrier(connection: Connection, carrier: Carrier) -> None:
    """A new carrier. Raises TakenError."""
    try:
        connection.execute(
            insert(carriers).values(id=carrier.id, name=carrier.name, kind=carrier.kind)
        )
    except IntegrityError as error:
        raise TakenError(f"There is a carrier {carrier.id} already.") from error


def add_guardianship(connection: Connection, user: User, carrier_id: str) -> None:
    """From now on `user` may see that carrier. Raises UnknownError for one who is no guardian."""
    if user.audience is not Audience.GUARDIAN:
        raise UnknownError(f"{user.login} is {user.audience.value}, and no guardian.")
    try:
        connection.execute(insert(guardianships).values(user_id=user.id, carrier_id=carrier_id))
    except IntegrityError as error:
        raise UnknownError(
            f"There is no carrier {carrier_id}, or {user.login} is its guardian already."
        ) from error


def end_guardianship(connection: Connection, user_id: int, carrier_id: str) -> None:
    """From now on that user may not see that carrier."""
    connection.execute(
        delete(guardianships).where(
            guardianships.c.user_id == user_id, guardianships.c.carrier_id == carrier_id
        )
    )


def add_tag(connection: Connection, tag: Tag, identifiers: Iterable[TagIdentifier]) -> None:
    """A tag with consent, and what it sends. Raises TakenError where one of these is another's."""
    try:
        connection.execute(
            insert(tags).values(
                id=tag.id,
                carrier_id=tag.carrier,
                trust=tag.trust,
                consent_at=tag.consent_at,
                consent_by=tag.consent_by,
            )
        )
        for known in identifiers:
            connection.execute(
                insert(tag_identifiers).values(
                    identifier=known.identifier, tag_id=tag.id, button=known.button
                )
            )
    except IntegrityError as error:
        raise TakenError(f"Tag {tag.id}, or an identifier of it, is registered already.") from error


def identifiers(connection: Connection) -> tuple[TagIdentifier, ...]:
    """What is registered of the tags in use: which identifier is whose, and which are buttons."""
    known = (
        select(tag_identifiers.c.identifier, tag_identifiers.c.tag_id, tag_identifiers.c.button)
        .join(tags, tags.c.id == tag_identifiers.c.tag_id)
        .where(tags.c.disabled_at.is_(None))
        .order_by(tag_identifiers.c.identifier)
    )
    return tuple(TagIdentifier(*row) for row in connection.execute(known))


def set_disabled(connection: Connection, tag_id: str, at: float | None) -> None:
    """A tag that is lost is nobody's from `at` on; None: it is back. Raises UnknownError."""
    changed = connection.execute(update(tags).where(tags.c.id == tag_id).values(disabled_at=at))
    if not changed.rowcount:
        raise UnknownError(f"There is no tag {tag_id}.")


# --- who may see whom -----------------------------------------------------------------------------


def wards(connection: Connection, user_id: int) -> list[Ward]:
    """The carriers of that guardian, by name."""
    return _wards(connection.execute(_WARDS, {"user_id": user_id}))


def ward(connection: Connection, user_id: int, carrier_id: str) -> Ward | None:
    """That carrier, where it is that guardian's; None for another's as for one that is not."""
    asked = {"user_id": user_id, "carrier_id": carrier_id}
    return next(iter(_wards(connection.execute(_WARD, asked))), None)


def carriers_by_tag(connection: Connection, user_id: int) -> dict[str, str]:
    """That guardian's carriers, by each of their tags."""
    return {tag.id: tag.carrier for one in wards(connection, user_id) for tag in one.tags}


# Asked with every look, so built once. The audience is asked too: a guardian who becomes staff
# sees no person any more.
_WARDS = (
    select(
        carriers.c.id,
        carriers.c.name,
        carriers.c.kind,
        tags.c.id,
        tags.c.trust,
        tags.c.consent_at,
        tags.c.consent_by,
    )
    .join(guardianships, guardianships.c.carrier_id == carriers.c.id)
    .join(users, users.c.id == guardianships.c.user_id)
    .outerjoin(tags, tags.c.carrier_id == carriers.c.id)
    .where(users.c.id == bindparam("user_id"), users.c.audience == Audience.GUARDIAN)
    .order_by(carriers.c.name, carriers.c.id, tags.c.consent_at.desc(), tags.c.id)
)
_WARD = _WARDS.where(carriers.c.id == bindparam("carrier_id"))


def _wards(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[Ward]:
    found: dict[Carrier, list[Tag]] = {}
    for carrier_id, name, kind, tag_id, trust, consent_at, consent_by in rows:
        own_tags = found.setdefault(Carrier(carrier_id, name, CarrierKind(kind)), [])
        if tag_id is not None:
            own_tags.append(Tag(tag_id, carrier_id, Trust(trust), consent_at, consent_by))
    return [Ward(carrier, tuple(own_tags)) for carrier, own_tags in found.items()]
