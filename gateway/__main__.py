"""Starts the command line: `machimori …`, or `python -m gateway …`."""

import sys

from gateway.cli import run_command_line


def main() -> None:
    """Run the command that the process's arguments name, and exit with its code."""
    sys.exit(run_command_line(sys.argv[1:]))


if __name__ == "__main__":
    main()
