from pathlib import Path

import pytest

from gateway.link.broker import Broker
from gateway.settings import BrokerSettings, SettingsError


async def test_without_a_connection_nothing_is_published() -> None:
    broker = Broker(settings=BrokerSettings(), name="gw-07")
    assert not broker.connected
    assert await broker.publish("topic", b"payload") is False


async def test_two_brokers_of_one_name_are_told_apart() -> None:
    one, two = (Broker(settings=BrokerSettings(), name="gw-07") for _ in range(2))
    assert one.instance != two.instance


async def test_a_missing_password_file_says_which_key(tmp_path: Path) -> None:
    settings = BrokerSettings(username="gw-07", password_file=tmp_path / "absent")
    with pytest.raises(SettingsError, match=r"broker\.password_file: .*absent cannot be read"):
        await Broker(settings=settings, name="gw-07").run()


async def test_an_unusable_certificate_says_which_keys(tmp_path: Path) -> None:
    certificate = tmp_path / "ca.pem"
    certificate.write_text("this is no certificate", encoding="utf-8")
    settings = BrokerSettings(ca_file=certificate)
    with pytest.raises(SettingsError, match=r"broker\.ca_file, cert_file, key_file"):
        await Broker(settings=settings, name="gw-07").run()
