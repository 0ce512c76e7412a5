import ast
import os
from pathlib import Path

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.tags import compiled
from gateway.tags.compiled import addresses_of, array_at, cache_folder

HOME = {"HOME": "/home/hub"}
LOOP = "from gateway.tags.compiled import compiled\n"


def folder(sources: Path, texts: dict[str, str], environment: dict[str, str] | None = None) -> Path:
    """The folder for modules of those `texts`, and no others, in `sources`."""
    for module in sources.glob("*.py"):
        module.unlink()
    for name, text in texts.items():
        (sources / name).write_text(text, encoding="utf-8")
    return cache_folder(sources, environment or HOME)


def test_another_text_of_a_compiled_module_has_another_folder(tmp_path: Path) -> None:
    texts = {"called.py": LOOP + "LEAST = 1\n", "caller.py": LOOP}
    first = folder(tmp_path, texts)
    assert folder(tmp_path, texts | {"called.py": LOOP + "LEAST = 2\n"}) != first
    assert folder(tmp_path, texts | {"new.py": LOOP + "MOST = 2\n"}) != first
    assert folder(tmp_path, texts) == first


def test_what_is_never_compiled_leaves_the_machine_code_as_it_is(tmp_path: Path) -> None:
    plain = folder(tmp_path, {"loop.py": LOOP, "plain.py": "A = 1\n"})
    assert folder(tmp_path, {"loop.py": LOOP, "plain.py": "A = 2\n"}) == plain


@pytest.mark.parametrize(
    ("environment", "root"),
    [
        ({}, "/home/hub/.cache/machimori"),
        ({"XDG_CACHE_HOME": "/var/cache/hub"}, "/var/cache/hub/machimori"),
        ({"NUMBA_CACHE_DIR": "/srv/code"}, "/srv/code"),
        ({"XDG_CACHE_HOME": "/var/cache/hub", "NUMBA_CACHE_DIR": "/srv/code"}, "/srv/code"),
        ({"XDG_CACHE_HOME": "", "NUMBA_CACHE_DIR": ""}, "/home/hub/.cache/machimori"),
    ],
)
def test_the_environment_says_where(tmp_path: Path, environment: dict[str, str], root: str) -> None:
    assert folder(tmp_path, {"loop.py": LOOP}, HOME | environment).parent == Path(root)


def test_without_a_home_it_is_that_of_whoever_runs(tmp_path: Path) -> None:
    assert cache_folder(tmp_path, {}).parent == Path("~/.cache/machimori").expanduser()


def test_no_number_is_compiled_that_may_change_unseen() -> None:
    """What a loop takes from another module is in its machine code for good."""
    texts = {
        f"gateway.tags.{module.stem}": module.read_text(encoding="utf-8")
        for module in Path(compiled.__file__).parent.glob("*.py")
    }
    unseen = {
        (module, one.name)
        for module, text in texts.items()
        if "compiled" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and "compiled" not in texts.get(node.module or "", LOOP)
        for one in node.names
        if one.name.isupper()
    }
    assert unseen == set()


def test_numba_keeps_its_code_there() -> None:
    wanted = cache_folder(Path(compiled.__file__).parent, os.environ)
    assert Path(numba.config.CACHE_DIR) == wanted  # type: ignore[attr-defined] # set at run time


def test_an_array_in_pieces_has_no_address() -> None:
    whole = np.zeros((4, 4))
    assert addresses_of([whole]).tolist() == [whole.ctypes.data]
    with pytest.raises(ValueError, match="one piece"):
        addresses_of([whole[:, ::2]])


def test_arrays_are_found_again_by_their_addresses() -> None:
    arrays = (np.array([0.5, 1.5], np.float32), np.eye(2, dtype=np.bool_), np.array([7], np.int16))
    assert _read(addresses_of(arrays)) == (1.5, True, False, 7)


@compiled.compiled
def _read(addresses: NDArray[np.int64]) -> tuple[float, bool, bool, int]:
    singles = array_at(addresses[0], 2, np.float32)
    marks = array_at(addresses[1], (2, 2), np.bool_)
    shorts = array_at(addresses[2], (1,), np.int16)
    return singles[1], marks[1, 1], marks[1, 0], shorts[0]
