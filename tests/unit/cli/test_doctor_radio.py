"""What BlueZ says of an adapter, as words for a technician."""

import asyncio

from gateway.cli.doctor_radio import adapter_verdicts, judge_adapter
from gateway.cli.doctor_words import Mark
from gateway.tags.scan_bluez import Sight
from gateway.tags.scan_problems import Problem

SIGHT = Sight(powered=True, monitors=True, connected=False, devices=frozenset())


def test_an_adapter_with_power_and_monitors_is_well() -> None:
    (verdict,) = judge_adapter("hci0", SIGHT, receiver="r-1")
    assert (verdict.mark, verdict.part) == (Mark.WELL, "adapter hci0")


def test_a_bluetoothd_without_monitors_worries_and_an_adapter_without_power_is_ill() -> None:
    marks = {
        (powered, monitors): [
            verdict.mark
            for verdict in judge_adapter(
                "hci0", SIGHT._replace(powered=powered, monitors=monitors), receiver="r-1"
            )
        ]
        for powered, monitors in ((True, False), (False, True))
    }
    assert marks == {(True, False): [Mark.WORRYING], (False, True): [Mark.ILL]}


def test_why_an_adapter_cannot_be_seen_is_told_with_what_to_do() -> None:
    (verdict,) = judge_adapter("hci0", Problem("x", "what", "remedy"), receiver="r-1")
    assert (verdict.mark, verdict.what, verdict.remedy) == (Mark.ILL, "what", "remedy")


def test_a_gateway_without_adapters_asks_nobody() -> None:
    (verdict,) = asyncio.run(adapter_verdicts({}))
    assert verdict.mark is Mark.WELL
