"""Real children: started in order, ended in the reverse, each with a log that errors name."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.cli.processes import ProcessError, Processes
from tests.ports import free_ports

# Writes its name to `diary` when it is up, and again when it is told to end.
CHILD = """
import os, signal, sys, time
from pathlib import Path
diary, name, heeds = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "heeds"
diary.with_name(name).write_text(str(os.getpid()))
def note(word):
    with diary.open("a") as file:
        file.write(f"{word} {name}\\n")
def end(*_):
    note("ends")
    if heeds:
        sys.exit()
signal.signal(signal.SIGTERM, end)
note("is up")
while True:
    time.sleep(60)
"""


class Diary:
    """What the children wrote."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "diary"

    def child(self, name: str, *, heeds: bool = True) -> Sequence[str | Path]:
        word = "heeds" if heeds else "ignores"
        return [sys.executable, "-c", CHILD, self.file, name, word]

    def lines(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []

    def pid(self, name: str) -> int:
        return int(self.file.with_name(name).read_text())

    def wait_for(self, line: str) -> None:
        ends = time.monotonic() + 10
        while line not in self.lines():
            assert time.monotonic() < ends, self.lines()
            time.sleep(0.01)


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    return Diary(tmp_path)


@contextmanager
def ctrl_c_after(seconds: float) -> Iterator[None]:
    """As a person who is impatient: KeyboardInterrupt in whatever runs then."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_children_end_in_the_reverse_order_also_when_something_raises(
    diary: Diary, tmp_path: Path
) -> None:
    def fails_in_between() -> None:
        with Processes(tmp_path) as processes:
            for name in ("one", "two", "three"):
                processes.start(name, diary.child(name))
                diary.wait_for(f"is up {name}")
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fails_in_between()
    assert diary.lines()[3:] == ["ends three", "ends two", "ends one"]


def test_a_second_ctrl_c_leaves_nobody_behind(diary: Diary, tmp_path: Path) -> None:
    def ends_slowly() -> None:
        with Processes(tmp_path) as processes:
            for name, heeds in (("one", True), ("stubborn", False)):
                processes.start(name, diary.child(name, heeds=heeds))
                diary.wait_for(f"is up {name}")

    with ctrl_c_after(1.0), pytest.raises(KeyboardInterrupt):
        ends_slowly()
    assert diary.lines()[2:] == ["ends stubborn", "ends one"]
    for name in ("one", "stubborn"):
        with pytest.raises(ProcessLookupError):
            os.kill(diary.pid(name), 0)


def test_a_child_has_our_environment_and_what_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "kept")
    told = "import os; print(os.environ['OURS'], os.environ['MORE'])"
    with Processes(tmp_path) as processes:
        processes.start("child", [sys.executable, "-c", told], MORE="added")
        with pytest.raises(ProcessError, match="ended by itself"):
            processes.watch()
        assert processes.log("child").read_text() == "kept added\n"


def test_one_that_ends_by_itself_is_named_with_its_log(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        processes.start("broker", [sys.executable, "-c", "import time; time.sleep(60)"])
        processes.start("town", [sys.executable, "-c", "print('no such site'); exit(2)"])
        with pytest.raises(ProcessError, match=r"town ended by itself. See .*town\.log"):
            processes.watch()
    assert (tmp_path / "town.log").read_text() == "no such site\n"


def test_one_that_fails_at_its_work_is_named_with_its_log(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        processes.finish("fine", [sys.executable, "-c", ""])
        with pytest.raises(ProcessError, match=r"roster failed. See .*roster\.log"):
            processes.finish("roster", [sys.executable, "-c", "exit(1)"])


def test_one_that_is_interrupted_at_its_work_is_ended(diary: Diary, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), ctrl_c_after(1.0), Processes(tmp_path) as processes:
        processes.finish("roster", diary.child("roster"))
    assert diary.lines() == ["is up roster", "ends roster"]


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes, pytest.raises(ProcessError, match=r"broker.*no-such"):
        processes.start("broker", [tmp_path / "no-such-program"])


def test_it_waits_for_a_port_and_a_page_that_answer(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    serve = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", tmp_path]
    with Processes(tmp_path) as processes:
        processes.start("server", serve)
        processes.wait_for_port(port, within_s=10)
        processes.wait_for_page(f"http://127.0.0.1:{port}/", within_s=10)
        with pytest.raises(ProcessError, match="does not answer"):
            processes.wait_for_page(f"http://127.0.0.1:{port}/nothing", within_s=0)


def test_what_does_not_speak_http_is_no_page(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    rude = (
        "import socket; s = socket.create_server(('127.0.0.1', int(__import__('sys').argv[1])))\n"
        "while True:\n c, _ = s.accept(); c.recv(1000); c.sendall(b'go away'); c.close()"
    )
    with Processes(tmp_path) as processes:
        processes.start("rude", [sys.executable, "-c", rude, str(port)])
        processes.wait_for_port(port, within_s=10)
        with pytest.raises(ProcessError, match="does not answer"):
            processes.wait_for_page(f"http://127.0.0.1:{port}/", within_s=0)
