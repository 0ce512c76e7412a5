from gateway.model import TagIdentifier
from gateway.tags.identity import Directory

BEACON = TagIdentifier("ibeacon:x:1:2", "tag-a", button=False)
BUTTON = TagIdentifier("uid:y:1", "tag-a", button=True)


def test_a_tag_is_found_by_each_of_its_identifiers() -> None:
    directory = Directory([BEACON, BUTTON])
    assert directory.find("ibeacon:x:1:2") is BEACON
    assert directory.find("uid:y:1") is BUTTON


def test_nobody_is_found_by_a_strange_identifier() -> None:
    assert Directory([BEACON]).find("ibeacon:x:1:3") is None
    assert Directory([]).find("") is None
