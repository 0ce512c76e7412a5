"""What tags say of themselves is kept by tag; what gateways say of receivers is told."""

import struct

import pytest
from firmware_sim.firmware_crypto import eax
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.link.envelope import Kind
from gateway.model import (
    AlertKind,
    AlertState,
    Condition,
    Doubt,
    Press,
    ReceiverEvent,
    Sealed,
    TagIdentifier,
    TagState,
)
from gateway.store import tag_states
from gateway.store.database import Database
from gateway.store.tag_states import StoredState
from tests.unit.app.tag_pieces import ADDRESS, EXPONENT, ZERO_AT, NativeTag, TagHub, add_tags
from tests.unit.app.town import NOW, HandClock

ANN, BOUGHT = NativeTag(1), NativeTag(2)
UID = TagIdentifier("uid:00112233445566778899:aabbccddeeff", BOUGHT.id, button=False)


@pytest.fixture
async def hub(database: Database) -> TagHub:
    """It knows a native tag and a bought one."""
    await database.write(add_tags, [ANN, BOUGHT], fixed=[UID])
    return await TagHub(database, HandClock()).begin()


def encrypted_tlm(tag: NativeTag, at: float) -> str:
    """An eTLM frame of 3.1 V, 21.5 °C, 1,000 adverts and an hour (eddystone/tlm-encrypted)."""
    plain = struct.pack(">HhII", 3_100, round(21.5 * 256), 1_000, 36_000)
    slot, salt = int(at - ZERO_AT) >> EXPONENT << EXPONENT, b"\x5a\xa5"
    nonce = slot.to_bytes(4, "big") + salt
    text = eax(tag.keys.identity_key, nonce, plain, tag_bytes=2)
    return (b"\x20\x01" + text[:12] + salt + text[12:]).hex()


async def state(hub: TagHub, tag: NativeTag) -> dict[str, float]:
    return {
        name: one.value for name, one in (await hub.database.read(tag_states.of, tag.id)).items()
    }


async def test_plain_values_are_kept_under_the_tag_that_a_fixed_identifier_names(
    hub: TagHub,
) -> None:
    said = TagState(NOW - 5.0, "r-1", UID.identifier, {"battery_v": 2.9, "temperature_c": -4.5})
    await hub.receive(said, kind=Kind.TAG_STATES)
    kept = await hub.database.read(tag_states.of, BOUGHT.id)
    assert kept["battery_v"] == StoredState(BOUGHT.id, "battery_v", 2.9, NOW - 5.0, "r-1")
    assert await state(hub, BOUGHT) == {"battery_v": 2.9, "temperature_c": -4.5}


async def test_a_rotating_identifier_names_its_tag_before_any_window_did(hub: TagHub) -> None:
    said = TagState(float(NOW), "r-1", ANN.eid(NOW), {"battery_v": 3.0})
    await hub.receive(said, kind=Kind.TAG_STATES)
    assert await state(hub, ANN) == {"battery_v": 3.0}


@pytest.mark.parametrize("hours", [0, 1, 20])
async def test_encrypted_telemetry_is_opened_with_the_tags_identity_key(
    hub: TagHub, hours: int
) -> None:
    at = NOW - hours * 3_600.0
    await hub.hear(int(at), ANN.eid(at))  # a gateway that was away sends its windows, too
    await hub.tags.identities.look()
    said = TagState(at, "r-1", ANN.eid(at), {}, sealed=encrypted_tlm(ANN, at))
    await hub.receive(said, kind=Kind.TAG_STATES)
    assert await state(hub, ANN) == {
        "adverts": 1_000.0,
        "battery_v": pytest.approx(3.1),
        "temperature_c": pytest.approx(21.5),
        "uptime_s": 3_600.0,
    }


async def test_what_no_key_opens_is_counted(hub: TagHub) -> None:
    other = encrypted_tlm(NativeTag(9), float(NOW))
    for sealed in (other, "20", "zz", "00" * 18):
        said = TagState(float(NOW), "r-1", ANN.eid(NOW), {}, sealed=sealed)
        await hub.receive(said, kind=Kind.TAG_STATES)
    assert await state(hub, ANN) == {}
    assert hub.intake.counts["tag_states_locked"] == 4


async def test_a_state_of_nobody_here_or_of_a_recording_is_counted_and_not_kept(
    hub: TagHub,
) -> None:
    for identifier in ("uid:1:2", "", "eid:0011223344556677", "x" * 1_000):
        said = TagState(float(NOW), "r-1", identifier, {"battery_v": 3.0})
        await hub.receive(said, kind=Kind.TAG_STATES)
    assert hub.intake.counts["tag_states_strange"] == 4


@pytest.mark.parametrize("name", ["", "Battery", "a" * 40, "x; drop", "Hanako Sato"])
async def test_values_of_implausible_names_or_sizes_are_left_out(hub: TagHub, name: str) -> None:
    values = {name: 1.0, "adverts": 1e300, "battery_v": 3.0}
    said = TagState(float(NOW), "r-1", UID.identifier, values)
    await hub.receive(said, kind=Kind.TAG_STATES)
    assert await state(hub, BOUGHT) == {"battery_v": 3.0}
    assert hub.intake.counts["tag_values_implausible"] == 2


async def test_a_tag_says_no_more_than_a_few_values(hub: TagHub) -> None:
    many = {f"count_{n}": 1.0 for n in range(1, 100)}
    await hub.receive(TagState(float(NOW), "r-1", UID.identifier, many), kind=Kind.TAG_STATES)
    assert len(await state(hub, BOUGHT)) == 32


async def test_values_that_no_format_has_are_left_out(hub: TagHub) -> None:
    said = {"battery_v": 2.9, "temperature_c_2": 21.0, "v_17": 1.0, "count_x": 2.0, "": 3.0}
    await hub.receive(TagState(float(NOW), "r-1", UID.identifier, said), kind=Kind.TAG_STATES)
    assert set(await state(hub, BOUGHT)) == {"battery_v", "temperature_c_2"}


async def test_a_state_is_never_of_the_future(hub: TagHub) -> None:
    said = TagState(NOW + 20.0, "r-1", UID.identifier, {"battery_v": 3.0})
    await hub.receive(said, kind=Kind.TAG_STATES)
    kept = await hub.database.read(tag_states.of, BOUGHT.id)
    assert kept["battery_v"].at == NOW


async def test_what_a_gateway_says_of_its_receiver_becomes_an_alert_and_ends_it(
    hub: TagHub,
) -> None:
    began = ReceiverEvent(NOW - 90.0, "r-1", Condition.HEARS_NOTHING)
    await hub.receive(began, kind=Kind.RECEIVER_EVENTS)
    over = ReceiverEvent(NOW - 1.0, "r-1", Condition.HEARS_NOTHING, over=True)
    await hub.receive(over, kind=Kind.RECEIVER_EVENTS)
    assert [(one.kind, one.state, one.receiver) for one in hub.told] == [
        (AlertKind.RECEIVER_HEARS_NOTHING, AlertState.RAISED, "r-1"),
        (AlertKind.RECEIVER_HEARS_NOTHING, AlertState.RESOLVED, "r-1"),
    ]
    assert hub.told[0].at == NOW - 90.0


@pytest.mark.parametrize(("receiver", "gateway"), [("", "gw-01"), ("r-99", "gw-01"), ("r-1", "x")])
async def test_a_gateway_speaks_for_its_own_receivers_only(
    hub: TagHub, receiver: str, gateway: str
) -> None:
    down = ReceiverEvent(float(NOW), receiver, Condition.DOWN)
    await hub.receive(down, kind=Kind.RECEIVER_EVENTS, gateway=gateway)
    assert hub.told == []
    assert hub.intake.counts["receiver_events_strange"] == 1


async def test_what_a_sensor_with_a_key_says_unsealed_is_doubted_and_changes_nothing(
    database: Database,
) -> None:
    """Anybody can say that from its address."""
    fixed = TagIdentifier(f"bthome:{ADDRESS.lower()}", BOUGHT.id, button=False)
    await database.write(add_tags, [BOUGHT], fixed=[fixed])
    hub = await TagHub(database, HandClock()).begin()
    said = TagState(NOW - 1.0, "r-1", fixed.identifier, {"opening": 0.0})
    await hub.receive(said, kind=Kind.TAG_STATES)
    assert await state(hub, BOUGHT) == {}
    assert [(one.tag, one.doubt) for one in hub.doubted] == [(BOUGHT.id, Doubt.COUNTER)]
    await hub.receive(Press(NOW - 1.0, "r-1", fixed.identifier, -70), kind=Kind.PRESS)
    assert (AlertKind.SOS, "counter") in [(one.kind, one.suspect) for one in hub.told]
    assert (AlertKind.SOS, "") not in [(one.kind, one.suspect) for one in hub.told]


TEXT = st.text(max_size=200)
HEX = st.binary(max_size=300).map(bytes.hex)
AT = st.floats(-1e300, 1e300)
ITEMS = st.one_of(
    st.builds(Sealed, AT, TEXT, TEXT | st.just(ADDRESS), HEX | TEXT, st.integers(), TEXT),
    st.builds(
        TagState,
        AT,
        TEXT,
        TEXT | st.just(UID.identifier),
        st.dictionaries(TEXT, AT, max_size=40),
        HEX | TEXT,
    ),
    st.builds(ReceiverEvent, AT, TEXT, st.sampled_from(Condition), st.booleans()),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(item=ITEMS)
async def test_whatever_a_gateway_says_is_taken_and_no_sos_is_made_of_it(
    hub: TagHub, item: Sealed | TagState | ReceiverEvent
) -> None:
    kind = {
        Sealed: Kind.SEALED,
        TagState: Kind.TAG_STATES,
        ReceiverEvent: Kind.RECEIVER_EVENTS,
    }[type(item)]
    await hub.receive(item, kind=kind)
    await hub.tags.sos.try_waiting()
    assert not any(one.kind is AlertKind.SOS for one in hub.told)
