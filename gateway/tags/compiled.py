"""How the filter's inner loops are made fast: compiled by numba when first called, then cached.

They run without the interpreter's lock, so the event loop goes on while the site takes its step.
Many small arrays are handed over by their addresses: to unpack them one by one takes longer than
the work on them.
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.extending import intrinsic
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])


def cache_folder(sources: Path, environment: Mapping[str, str]) -> Path:
    """Where the machine code of the modules in `sources` is kept: anew for each state of them.

    numba compares only the file of the function asked for; what that calls may have changed too.
    """
    known = hashlib.sha256()
    for module in sorted(sources.glob("*.py")):
        text = module.read_bytes()
        if b"compiled" in text:
            known.update(text)
    home = environment.get("XDG_CACHE_HOME") or environment.get("HOME", "~") + "/.cache"
    root = environment.get("NUMBA_CACHE_DIR") or f"{home}/machimori"
    return Path(root).expanduser() / known.hexdigest()[:16]


numba.config.CACHE_DIR = str(  # type: ignore[attr-defined] # numba sets it up at run time
    cache_folder(Path(__file__).parent, os.environ)
)


def compiled(function: F) -> F:
    """The machine code of a function over arrays and finite numbers; no sum's order is promised."""
    compile_it = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
    return cast(F, compile_it(function))


def inlined(function: F) -> F:
    """The same for what inner loops call: it becomes a part of whoever calls it."""
    compile_it = numba.njit(
        cache=True, nogil=True, error_model="numpy", fastmath=True, forceinline=True
    )
    return cast(F, compile_it(function))


def addresses_of(arrays: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Where arrays lie in memory; who uses that must keep them alive. Raises for loose ones."""
    if not all(array.flags.c_contiguous and array.flags.aligned for array in arrays):
        raise ValueError("only an array that lies in one piece has one address")
    return np.array([array.__array_interface__["data"][0] for array in arrays], dtype=np.int64)


def _pointer(_context: object, address: object) -> object:
    def generate(context: Any, builder: Any, _signature: object, arguments: Any) -> object:
        return builder.inttoptr(arguments[0], context.get_value_type(numba.types.voidptr))

    return cast(Any, numba.types.voidptr)(address), generate


_pointer_to: Any = intrinsic(_pointer)
_array_at: Any = numba.carray  # type: ignore[attr-defined] # numba's stubs leave it out


@inlined
def array_at(address: int, shape: Any, dtype: type[np.generic]) -> NDArray[Any]:
    """The array of `dtype` that lies at an address; `dtype` is written out by whoever calls."""
    array: NDArray[Any] = _array_at(_pointer_to(address), shape, dtype)
    return array
