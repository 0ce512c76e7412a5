"""Down to SQLite's own connection, for what SQLAlchemy has no word for."""

import sqlite3

from sqlalchemy import PoolProxiedConnection


def driver_of(connection: PoolProxiedConnection) -> sqlite3.Connection:
    """SQLite's own connection under `connection`."""
    driver = connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError(f"{driver!r}: is no connection to SQLite")
    return driver
