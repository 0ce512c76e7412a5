"""The HTTP server, as one task that ends cleanly when it is cancelled."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog
import uvicorn
from fastapi import FastAPI

from gateway.model import UnusableError
from gateway.settings import ApiSettings

BACKLOG = 256
GRACE_S = 3
MOST_CONNECTIONS = 2_000  # open streams included; more are answered 503
_log = structlog.get_logger()


class ServerError(UnusableError):
    """The server cannot listen where the settings say; the message says why."""

    exit_code = 75  # EX_TEMPFAIL: whoever has the port may leave it


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the whole process; it cancels this task."""
        yield


async def serve(app: FastAPI, settings: ApiSettings) -> None:
    """Serve `app` until cancelled; then end the live streams and let requests finish.

    Raises ServerError where the address cannot be had.
    """
    listener = await listen(settings)
    server = _Server(
        uvicorn.Config(
            app,
            access_log=False,
            date_header=True,
            lifespan="off",
            limit_concurrency=MOST_CONNECTIONS,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    host, port = listener.getsockname()[:2]
    _log.info("serving", host=host, port=port)
    with listener:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve([listener]), name="http server")
            try:
                await asyncio.shield(serving)
            except asyncio.CancelledError:
                app.state.parts.stream.close()
                server.should_exit = True
                await asyncio.wait([serving])
                raise


async def listen(settings: ApiSettings) -> socket.socket:
    """A socket that listens where the settings say. Raises ServerError.

    It is said to be TCP: asyncio sends small answers at once (TCP_NODELAY) only on such sockets,
    and each answer to a kept connection waits 40 ms on others.
    """
    loop = asyncio.get_running_loop()
    with ExitStack() as unless_done:
        try:
            found = await loop.getaddrinfo(
                settings.host, settings.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
            )
            family, kind, protocol, _, address = found[0]
            listener = unless_done.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError as error:
            raise ServerError(
                f"{settings.host}:{settings.port}: cannot listen there ({error.strerror}). Free "
                "the port, or set hub.api.host and hub.api.port."
            ) from error
        unless_done.pop_all()
    return listener
