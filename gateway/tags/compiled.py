"""How the filter's inner loops are made fast: compiled by numba when first called, then cached.

They run without the interpreter's lock, so the event loop goes on while the site takes its step.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """The machine code of a function over arrays and finite numbers; no sum's order is promised."""
    compile_it = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
    return cast(F, compile_it(function))
