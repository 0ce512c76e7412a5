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

from gateway.tags.frames import eddystone

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
