"""`machimori run`: start the roles that the settings (or --role) name, until a signal ends them."""

import asyncio
import logging
import sys
from typing import Annotated

import structlog
import typer

from gateway.app.run import run as run_roles
from gateway.cli.options import ConfigFile
from gateway.model import Role, UnusableError
from gateway.settings import load_settings


def run(
    *,
    config: ConfigFile,
    role: Annotated[
        list[Role] | None,
        typer.Option("--role", help="Start this role only; may be given several times."),
    ] = None,
) -> None:
    """Start the roles that the configuration names, all in this process."""
    settings = load_settings(config)
    log_to_stderr()
    try:
        asyncio.run(run_roles(settings, role or settings.roles))
    except BaseExceptionGroup as group:
        raise what_to_tell(group) from None


def log_to_stderr() -> None:
    """One line an event: for people on a terminal, JSON for the journal."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    people = sys.stderr.isatty()
    render = structlog.dev.ConsoleRenderer() if people else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def what_to_tell(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error in `group` that a person can act upon by its message; `group` where there is more.

    A fault of the program beside it must show its traceback.
    """
    usable, others = group.split(UnusableError)
    if usable is None or others is not None:
        return group
    return _first(usable)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
