"""One PostgreSQL database and one login per role: whoever has another role's login is not let in.

Works on the embedded server and on any other where we are given a superuser. Passwords lie in files only the owner reads.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from schemas.errors import Unavailable
from schemas.secret_file import write_private


def address(admin_dsn: str, *, role: str, password: str) -> str:
    """The same server as `admin_dsn`, another login, the database of that login."""
    parts = urlsplit(admin_dsn)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(netloc=f"{quote(role)}:{quote(password, safe='')}@{place}", path=f"/{quote(role)}")
    )


def create(admin_dsn: str, *, role: str, password_file: Path) -> str:
    """Make database and login `role`, or find them, and return the address; nobody else may connect to that database.

    The password is made at first use; where only its file was lost, the login gets a new one. Raises `Unavailable`.
    """
    fresh = not password_file.exists()
    if fresh:
        write_private(password_file, secrets.token_urlsafe(24).encode())
    password = password_file.read_text().strip()
    name = sql.Identifier(role)
    try:
        with psycopg.connect(admin_dsn, autocommit=True, connect_timeout=20) as connection:
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None
            if fresh or not known:
                verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
                connection.execute(sql.SQL("{} {} LOGIN PASSWORD {}").format(verb, name, sql.Literal(password)))
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (role,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
            for database in (name, sql.Identifier("postgres"), sql.Identifier("template1")):
                connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    except psycopg.OperationalError as away:
        msg = "PostgreSQL does not let the administrator in; is it running, and is its address right?"
        raise Unavailable(msg) from away
    return address(admin_dsn, role=role, password=password)
