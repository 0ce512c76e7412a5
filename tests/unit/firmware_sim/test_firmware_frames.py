from firmware_sim.firmware_frames import bthome, eid, ibeacon, telemetry, uid


def test_an_advert_is_whole_flags_first_and_no_longer_than_the_air_takes():
    for frame in (ibeacon(4), uid(4), eid(bytes(8)), bthome(bytes(13))):
        assert frame.advertising_data().startswith(b"\x02\x01\x06")
        assert len(frame.advertising_data()) <= 31


def test_service_data_comes_behind_the_list_of_uuids():
    data = eid(bytes(range(8))).advertising_data().hex()

    assert data == "020106" + "0303aafe" + "0d16aafe" + "30ee" + "0001020304050607"
    assert bthome(b"\x45").advertising_data().hex() == "020106" + "0303d2fc" + "0416d2fc" + "45"


def test_telemetry_is_in_the_units_of_its_specification():
    plain = telemetry(battery_v=2.95, temperature_c=-1.5, adverts=69, uptime_s=60.0)

    assert plain.hex() == "0b86" + "fe80" + "00000045" + "00000258"
