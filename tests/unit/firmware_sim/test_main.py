import json

import pytest
from firmware_sim.__main__ import main


def test_site_writes_the_file_and_its_folder(tmp_path, site_text):
    out = tmp_path / "config" / "site.geojson"

    assert main(["site", "--seed", "5", "--out", str(out)]) == 0

    assert out.read_text(encoding="utf-8") == site_text


def test_record_and_tags_tell_of_the_same_people(tmp_path, site_text):
    site = tmp_path / "site.geojson"
    site.write_text(site_text, encoding="utf-8")
    world = ["--site", str(site), "--seed", "3", "--start", "1793080800", "--carriers", "4"]

    recorded = main(["record", *world, "--minutes", "0.1", "--out", str(tmp_path / "recording")])
    told = main(["tags", *world, "--out", str(tmp_path / "tags.json")])

    assert (recorded, told) == (0, 0)
    tags = json.loads((tmp_path / "tags.json").read_text(encoding="utf-8"))
    assert tags == json.loads((tmp_path / "recording" / "tags.json").read_text(encoding="utf-8"))
    assert (tmp_path / "recording" / "site.geojson").read_text(encoding="utf-8") == site_text


def test_a_missing_site_is_one_line_and_not_a_trace(tmp_path, capsys):
    code = main(["tags", "--site", str(tmp_path / "no.geojson"), "--out", str(tmp_path / "t")])

    assert code == 2
    assert "no.geojson" in capsys.readouterr().err


def test_native_tags_and_an_attacker_are_asked_for_by_options(tmp_path, site_text):
    site = tmp_path / "site.geojson"
    site.write_text(site_text, encoding="utf-8")
    world = ["--site", str(site), "--seed", "3", "--start", "1793080800", "--carriers", "4"]
    more = ["--native", "1/3", "--new-battery", "child-001@2", "--clone", "child-002@1-5+3:p001"]

    assert main(["record", *world, *more, "--minutes", "0.1", "--out", str(tmp_path / "r")]) == 0

    tags = json.loads((tmp_path / "r" / "tags.json").read_text(encoding="utf-8"))["tags"]
    assert ["native" in tag for tag in tags] == [
        True,
        False,
        False,
        True,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "option",
    [
        "--walk=child-001",
        "--sos=child-001",
        "--new-battery=child-001",
        "--clone=child-001@5:p001",
        "--clone=child-001@5-10",
        "--native=half",
    ],
)
def test_a_script_that_cannot_be_read_is_refused(tmp_path, option):
    with pytest.raises(SystemExit) as stopped:
        main(["town", "--site", str(tmp_path), option])

    assert stopped.value.code == 2


def test_a_bus_without_a_link_or_without_lamps_is_one_line_and_not_a_trace(
    tmp_path, capsys, site_text
):
    site = tmp_path / "site.geojson"
    site.write_text(site_text, encoding="utf-8")
    one = ["lamps", "--site", str(site), "--bus", "bus-1", "--link", str(tmp_path / "bus-1")]

    codes = (main([*one, "--bus", "bus-2"]), main([*one, "--gateway", "gw-09"]))

    assert codes == (2, 2)
    assert "--link" in (told := capsys.readouterr().err)
    assert "gw-09" in told
