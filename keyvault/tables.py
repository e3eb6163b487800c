"""The vault's tables and how a database of an earlier form becomes one of today's: a list of steps, each taken once.

A step is never changed once it landed; what comes next is a further step at the end.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from schemas.errors import ContractBroken

_LOCK: Final = 7_201_001

STEPS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE IF NOT EXISTS named_keys (use text, key_id text, state text NOT NULL, made_on date NOT NULL,
        wrapped bytea NOT NULL, PRIMARY KEY (use, key_id));
    CREATE TABLE IF NOT EXISTS person_keys (person bytea PRIMARY KEY, made_on date NOT NULL, wrapped bytea NOT NULL);
    CREATE TABLE IF NOT EXISTS mandates (handle bytea PRIMARY KEY, person bytea NOT NULL, municipality int NOT NULL,
        reader text NOT NULL, purpose text NOT NULL, ground text NOT NULL, valid_from date NOT NULL,
        valid_until date NOT NULL, state text NOT NULL);
    CREATE TABLE IF NOT EXISTS mandates_read (partition int PRIMARY KEY, next_offset bigint NOT NULL);
    CREATE TABLE IF NOT EXISTS withdrawn_here (handle bytea PRIMARY KEY, withdrawn_by text NOT NULL, at timestamptz NOT NULL);
    CREATE TABLE IF NOT EXISTS access_log (sequence bigint PRIMARY KEY, at_ms bigint NOT NULL, handle bytea NOT NULL,
        reader text NOT NULL, purpose text NOT NULL, ground text NOT NULL, result text NOT NULL,
        previous_hash bytea NOT NULL, hash bytea NOT NULL);
    CREATE TABLE IF NOT EXISTS evaluations (caller text, day date, count bigint NOT NULL, PRIMARY KEY (caller, day))
    """,
    # A withdrawal counts only where it comes from the municipality that gave the mandate, so two may name one handle.
    """
    CREATE UNIQUE INDEX one_active_key ON named_keys (use) WHERE state = 'active';
    ALTER TABLE withdrawn_here DROP CONSTRAINT withdrawn_here_pkey, ADD PRIMARY KEY (handle, withdrawn_by);
    CREATE TABLE access_log_published (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), sequence bigint NOT NULL);
    INSERT INTO access_log_published (sequence) SELECT COALESCE(max(sequence), 0) FROM access_log
    """,
    # How many households a reader looked at lately is counted at each look.
    "CREATE INDEX IF NOT EXISTS access_log_by_reader ON access_log (reader, at_ms)",
    # A mandate may be changed; who signed it is logged.
    """
    ALTER TABLE mandates ADD COLUMN IF NOT EXISTS revision int NOT NULL DEFAULT 1;
    ALTER TABLE mandates ADD COLUMN IF NOT EXISTS grantor text NOT NULL DEFAULT 'unknown'
    """,
    # What NEN 7513 asks of a line. Lines of before had another hash; no zone in use had any.
    """
    DROP TABLE access_log;
    CREATE TABLE access_log (sequence bigint PRIMARY KEY, at_ms bigint NOT NULL, action text NOT NULL, sections text NOT NULL,
        client bytea NOT NULL, household bytea NOT NULL, handle bytea NOT NULL, who text NOT NULL, source text NOT NULL,
        municipality int NOT NULL, grantor text NOT NULL, purpose text NOT NULL, ground text NOT NULL, result text NOT NULL,
        previous_hash bytea NOT NULL, hash bytea NOT NULL);
    UPDATE access_log_published SET sequence = 0;
    CREATE INDEX access_log_by_who ON access_log (who, at_ms);
    CREATE INDEX access_log_by_client ON access_log (client);
    CREATE INDEX access_log_by_household ON access_log (household);
    CREATE TABLE log_clients (person bytea PRIMARY KEY, client bytea NOT NULL UNIQUE)
    """,
    # Evaluations have a limit a day; an order allows more.
    """
    ALTER TABLE evaluations ADD COLUMN IF NOT EXISTS by_order bigint NOT NULL DEFAULT 0;
    CREATE TABLE IF NOT EXISTS evaluation_orders (id bytea PRIMARY KEY, caller text NOT NULL, number bigint NOT NULL, used bigint NOT NULL,
        until date NOT NULL, why text NOT NULL)
    """,
    # The pseudonym key may be turned: a next key beside the active one, orders of two kinds, destroyed keys without bytes.
    """
    ALTER TABLE named_keys ADD COLUMN IF NOT EXISTS ended_on date;
    CREATE UNIQUE INDEX IF NOT EXISTS one_next_key ON named_keys (use) WHERE state = 'next';
    ALTER TABLE evaluation_orders ADD COLUMN IF NOT EXISTS kind text NOT NULL DEFAULT 'first-load';
    ALTER TABLE evaluation_orders ADD COLUMN IF NOT EXISTS key_id text NOT NULL DEFAULT ''
    """,
    # Which wrapping key all this lies under.
    "CREATE TABLE IF NOT EXISTS vault_wrapping (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), print bytea NOT NULL, since date NOT NULL)",
    # Persons are erased: their key is gone, nobody makes another. What they left is kept under a key per partition and service year.
    """
    CREATE TABLE IF NOT EXISTS erased_persons (person bytea PRIMARY KEY, request bytea NOT NULL UNIQUE, decision bytea NOT NULL, deciders text NOT NULL,
        at_ms bigint NOT NULL, mandates int NOT NULL, log_sequence bigint NOT NULL, log_hash bytea NOT NULL);
    CREATE TABLE IF NOT EXISTS year_keys (partition int, year int, made_on date NOT NULL, wrapped bytea NOT NULL, PRIMARY KEY (partition, year))
    """,
    # Officers: citizen numbers sealed to their joint key, how it is made and handed on, and what was asked.
    """
    CREATE TABLE IF NOT EXISTS sealed_identities (person bytea PRIMARY KEY, key_id text NOT NULL, wrapped bytea NOT NULL);
    CREATE TABLE IF NOT EXISTS officer_ceremonies (id bytea PRIMARY KEY, place bigint NOT NULL, described bytea NOT NULL, ended text);
    CREATE UNIQUE INDEX IF NOT EXISTS one_running_ceremony ON officer_ceremonies ((true)) WHERE ended IS NULL;
    CREATE TABLE IF NOT EXISTS officer_messages (ceremony bytea, round text, officer text, message bytea NOT NULL,
        place bigint NOT NULL, PRIMARY KEY (ceremony, round, officer));
    CREATE TABLE IF NOT EXISTS officer_committees (key_id text, epoch int, committee bytea NOT NULL, PRIMARY KEY (key_id, epoch));
    CREATE TABLE IF NOT EXISTS officer_requests (id bytea PRIMARY KEY, signed bytea NOT NULL, state text NOT NULL, asked_at_ms bigint NOT NULL,
        told_from int NOT NULL)
    """,
)
"""Statements of a step are parted by a semicolon at the end of a line."""


def prepare(connection: Connection) -> None:
    """Bring the tables to today's form, one process at a time.

    Raises `ContractBroken` for a database that a newer version of the software has changed already.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:l)"), {"l": _LOCK})
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS vault_form (step int PRIMARY KEY, taken_at timestamptz NOT NULL)")
    )
    taken = int(connection.execute(text("SELECT COALESCE(max(step), 0) FROM vault_form")).scalar_one())
    if taken > len(STEPS):
        msg = "The vault's database belongs to a newer version of the software; update the software."
        raise ContractBroken(msg)
    for number, step in enumerate(STEPS[taken:], start=taken + 1):
        for statement in step.split(";\n"):
            connection.execute(text(statement))
        connection.execute(text("INSERT INTO vault_form VALUES (:n, now())"), {"n": number})
