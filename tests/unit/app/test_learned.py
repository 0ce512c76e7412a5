import structlog

from gateway.app import learned
from gateway.tags.receiving import Usual


def test_what_was_learned_is_read_again() -> None:
    usual = {"r-1": Usual(86_400.0, 1_234.5), "r-2": Usual(0.0, 0.0)}
    assert learned.read(learned.written(usual)) == usual


def test_what_cannot_be_read_is_learned_anew_and_told() -> None:
    for body in (b"{", b"[]", b'{"r-1":[1]}', b"\xff"):
        with structlog.testing.capture_logs() as logs:
            assert learned.read({learned.DOCUMENT: body}) == {}
        assert len(logs) == 1
    assert learned.read({}) == {}
