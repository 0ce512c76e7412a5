"""A native tag, and that the gateway's own decoders read what it sends."""

from itertools import pairwise

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from firmware_sim.firmware import (
    BUTTON,
    POSITION,
    STORE_EVERY_S,
    TELEMETRY,
    NativeFirmware,
    NativeKeys,
)
from firmware_sim.firmware_crypto import ephemeral_id

from gateway.model import Doubt
from gateway.tags.frames import bthome, eddystone
from gateway.tags.rotation import Heard, RotatingKey, Rotation

PERIOD_S = 1024
KEYS = NativeKeys(bytes(range(16)), bytes(range(16, 32)), zero_at=1_000_000.0)
START = KEYS.zero_at + 2.5 * STORE_EVERY_S


def tag(seed=1, start=START):
    return NativeFirmware(KEYS, start=start, rng=np.random.default_rng(seed))


def eid(packet):
    return packet.frame.service[2:]


def opened(packet):
    """The objects and the counter of an encrypted BTHome frame, opened with the bind key."""
    service = packet.frame.service
    nonce = bytes.fromhex(packet.address.replace(":", "")) + b"\xd2\xfc" + service[:1]
    sealed, count, mic = service[1:-8], service[-8:-4], service[-4:]
    plain = AESCCM(KEYS.bind_key, tag_length=4).decrypt(nonce + count, sealed + mic, None)
    return plain, int.from_bytes(count, "little")


def test_keys_are_not_shown():
    assert KEYS.identity_key.hex() not in repr(KEYS)
    assert "identity_key" not in repr(KEYS)


def test_it_sends_the_identifier_of_the_period_that_its_own_clock_is_in():
    one = tag()
    clock_s = int(one.clock_s(START))

    packet = one.packet(POSITION, START)

    assert eid(packet) == ephemeral_id(KEYS.identity_key, exponent=10, beacon_time=clock_s)
    assert packet.frame.identifier == eddystone.decode(packet.frame.service).identifier
    assert abs(clock_s - 2.5 * STORE_EVERY_S) < 2.5 * 13.0


def test_identifier_and_address_change_together_and_only_with_the_period():
    one = tag()
    sent = [one.packet(POSITION, START + second) for second in range(0, 3 * PERIOD_S, 8)]

    pairs = {(packet.address, eid(packet)) for packet in sent}
    assert len(pairs) == len({address for address, _ in pairs}) == len({e for _, e in pairs}) == 4
    assert {packet.address[0] for packet in sent} <= set("0123")  # non-resolvable private


def test_a_clock_drifts_by_no_more_than_150_ppm_and_more_slowly_at_25_degrees():
    drift_ppm = []
    for seed in range(30):
        one = tag(seed)
        before = one.clock_s(START)
        one.live(START, adverts=0, temperature_c=-10.0)
        one.live(START + 10_000.0, adverts=0, temperature_c=25.0)
        cold = one.clock_s(START + 10_000.0) - before - 10_000.0
        warm = one.clock_s(START + 20_000.0) - one.clock_s(START + 10_000.0) - 10_000.0
        assert cold < warm or np.isclose(cold, -1.5)
        drift_ppm += [100.0 * cold, 100.0 * warm]

    assert -150.1 < min(drift_ppm) < -100.0
    assert 100.0 < max(drift_ppm) < 150.1


def test_a_press_is_an_encrypted_bthome_event_whose_counter_rises():
    one = tag()
    counters = []
    for _ in range(3):
        pressed = one.press()
        packet = one.packet(BUTTON, START)
        objects, counter = opened(packet)
        assert (packet.frame.uuid, packet.frame.service[0]) == ("fcd2", 0x45)
        assert objects[0] == 0x01
        assert objects[2:] == b"\x3a\x01"
        assert counter == pressed
        counters.append(counter)

    assert counters == list(range(counters[0], counters[0] + 3))


def test_a_press_is_sealed_for_the_address_that_is_sent_from_also_after_a_rotation():
    one = tag()
    one.press()
    early, late = one.packet(BUTTON, START), one.packet(BUTTON, START + PERIOD_S)

    assert early.address != late.address
    assert opened(early) == opened(late)
    assert early.address == one.packet(POSITION, START).address


def test_telemetry_is_sealed_and_differs_each_time_but_not_from_receiver_to_receiver():
    one = tag()
    sent = [one.packet(TELEMETRY, at) for at in (START, START, START + 30.0)]

    assert sent[0] is sent[1]
    assert sent[0].frame.service != sent[2].frame.service
    assert {type(eddystone.decode(packet.frame.service)).__name__ for packet in sent} == {
        "EncryptedTlm"
    }
    assert {packet.frame.identifier for packet in sent} == {""}


def test_a_battery_runs_down_and_is_weaker_in_the_cold():
    one = tag()
    volts = [one.battery_v]
    for day in range(1, 700, 7):
        one.live(START + day * 86_400.0, adverts=7 * 86_400, temperature_c=23.0)
        volts.append(one.battery_v)
    fresh = tag()
    fresh.live(START, adverts=0, temperature_c=-10.0)

    assert volts[0] > 2.8
    assert volts[-1] < 2.1
    assert all(later <= earlier for earlier, later in pairwise(volts[1:]))
    assert fresh.battery_v < tag().battery_v - 0.02


@pytest.mark.parametrize("seed", range(5))
def test_after_a_battery_change_clock_and_counter_resume_from_at_most_a_day_ago(seed):
    one = tag(seed)
    one.press()
    at, counter = START + 1.0, one.counter
    one.live(at, adverts=1, temperature_c=20.0)
    shown = one.clock_s(at)

    one.change_battery(at)

    assert shown - STORE_EVERY_S <= one.clock_s(at) < shown
    assert one.counter < counter
    assert one.battery_v > 3.0
    one.live(at + 10.0, adverts=10, temperature_c=20.0)
    assert one.clock_s(at + 10.0) == pytest.approx(one.clock_s(at) + 10.0)


def test_what_was_stored_since_survives_the_battery():
    one = tag()
    pressed = one.press()
    one.live(START + STORE_EVERY_S, adverts=0, temperature_c=20.0)
    shown = one.clock_s(START + STORE_EVERY_S)

    one.change_battery(START + STORE_EVERY_S)

    assert (one.clock_s(START + STORE_EVERY_S), one.counter) == (shown, pressed)


def test_the_gateway_opens_a_press_and_telemetry_with_the_keys_of_the_roster():
    one = tag()
    one.press()
    sos, told = one.packet(BUTTON, START), one.packet(TELEMETRY, START)

    opened_sos = bthome.open_sealed(sos.frame.service, key=KEYS.bind_key, address=sos.address)
    tlm = eddystone.open_etlm(
        eddystone.decode(told.frame.service),
        identity_key=KEYS.identity_key,
        exponent=KEYS.rotation_exponent,
        beacon_time=int(one.clock_s(START)),
    )

    assert opened_sos.pressed
    assert tlm.values["battery_v"] == pytest.approx(one.battery_v, abs=0.001)
    assert tlm.values["temperature_c"] == pytest.approx(one.temperature_c, abs=0.01)
    assert tlm.values["uptime_s"] == pytest.approx(START - KEYS.zero_at, abs=0.1)


class Hub:
    """The gateway's own book of rotating tags, with what its worker thread does."""

    def __init__(self):
        key = RotatingKey("t-1", KEYS.identity_key, KEYS.rotation_exponent, KEYS.zero_at)
        self._rotation = Rotation([key])

    def hear(self, packet, at):
        if self._rotation.due(at):
            self._rotation.prepare(at)
        heard = self._rotation.hear(packet.frame.identifier, at)
        if self._rotation.wants_search(at):
            self._rotation.search(at)
        return heard


@pytest.mark.parametrize("seed", [1, 2])
def test_the_gateway_follows_a_tag_through_a_day_and_a_battery_and_puts_its_recording_aside(seed):
    one, hub, tape = tag(seed), Hub(), []
    own, played = [], []
    changed_at = START + STORE_EVERY_S
    for at in np.arange(START, changed_at + 26 * 3600.0, 60.0).tolist():
        one.live(at, adverts=60, temperature_c=10.0)
        if at == changed_at:
            one.change_battery(at)
        packet = one.packet(POSITION, at)
        own.append((at, hub.hear(packet, at)))
        tape.append(packet)
        if START + 3 * 3600.0 <= at < changed_at:
            played.append(hub.hear(tape[len(tape) - 1 - 120], at))  # of two hours ago

    before = {heard for at, heard in own if START + 60.0 <= at < changed_at}
    assert before == {Heard("t-1", use=True, doubt=None)}
    # Nobody's in any slot of now, or put aside; the hub knows then whose it was.
    assert set(played) <= {None, Heard("t-1", use=False, doubt=Doubt.CLOSED_SLOT)}
    assert len(played) > 1000
    # Its old slots could be a recording, too: taken meanwhile, and believed from new ones on.
    after = [heard for at, heard in own if at > changed_at + 600.0]
    assert all(heard is not None and heard.use for heard in after)
    assert set(after[-60:]) == {Heard("t-1", use=True, doubt=None)}
