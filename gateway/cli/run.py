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
        raise unusable_in(group) or group from None


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


def unusable_in(group: BaseExceptionGroup[BaseException]) -> UnusableError | None:
    """The first error in `group` that a person can act upon by its message; None without one."""
    for error in group.exceptions:
        if isinstance(error, UnusableError):
            return error
        if isinstance(error, BaseExceptionGroup):
            inner = unusable_in(error)
            if inner is not None:
                return inner
    return None
