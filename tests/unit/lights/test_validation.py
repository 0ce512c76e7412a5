import msgspec
import pytest

from gateway.lights.documents import Calendar, Program
from gateway.lights.validation import Problem, Severity, check, parse_calendar, parse_program
from tests.unit.lights.nights import STREET, always


def test_a_document_is_read_as_it_was_written() -> None:
    assert parse_program(msgspec.json.encode(STREET)) == STREET
    calendar = always("street")
    assert parse_calendar(msgspec.json.encode(calendar)) == calendar


@pytest.mark.parametrize(
    ("raw", "where", "what"),
    [
        (b"{", "", "no JSON"),
        (b'{"id": "p", "activePeriods": []} and more', "", "no JSON"),
        (b'{"id": "\xff", "activePeriods": []}', "", "no JSON"),
        (b"[]", "", "Expected `object`"),
        (b'{"id": "p"}', "", "activePeriods"),
        (b'{"id": "p", "activePeriods": [{"type": "moon"}]}', "activePeriods[0].type", "moon"),
        (
            b'{"id": "p", "activePeriods": [{"type": "astronomical", "sunset_offset": 3}]}',
            "activePeriods[0]",
            "sunset_offset",
        ),
        (
            b'{"id": "p", "activePeriods": [], "fixedTimeControls": [{"time": 5, "level": 1}]}',
            "fixedTimeControls[0].time",
            "Expected `str`",
        ),
        (
            b'{"id": "p", "activePeriods": [], "dynamicControls":'
            b' [{"operation": "Shine", "value": 1, "holdTime": 9}]}',
            "dynamicControls[0].operation",
            "Shine",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(raw: bytes, where: str, what: str) -> None:
    problem = parse_program(raw)
    assert isinstance(problem, Problem)
    assert problem.where == where
    assert what in problem.what
    assert problem.remedy
    assert problem.severity is Severity.ERROR


def test_good_documents_have_no_problem() -> None:
    assert check([STREET], [always("street")]) == ()


def test_a_problem_names_its_document() -> None:
    (problem,) = check([STREET], [Calendar(id="park", default_program="park")])
    assert problem.document == "calendar park"
    assert problem.where == "defaultProgram"
    assert "'park'" in problem.what


@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b", "x" * 65, "通り"])
def test_an_id_that_fits_nowhere_is_refused(name: str) -> None:
    program = Program(id=name, active_periods=STREET.active_periods)
    assert [problem.where for problem in check([program], [])] == ["id"]


def test_two_documents_of_one_id_are_refused() -> None:
    problems = check([STREET, STREET], [always("street"), always("street")])
    assert [problem.document for problem in problems] == ["program street", "calendar street"]


def test_errors_come_before_warnings() -> None:
    never = Program(id="never", active_periods=())
    wrong = Program(id="not an id", active_periods=STREET.active_periods)
    assert [problem.severity for problem in check([never, wrong], [])] == [
        Severity.ERROR,
        Severity.WARNING,
    ]
