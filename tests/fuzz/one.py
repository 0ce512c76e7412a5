"""`python -m tests.fuzz.one {target} {libFuzzer's arguments}`: one target, until it ends.

Only our own code is instrumented: what the libraries' branches do leads nowhere.
"""

import sys

import atheris

with atheris.instrument_imports(include=["gateway.tags.frames", "gateway.tags"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Does not return: libFuzzer ends the process."""
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
