"""One JSON line per event of a process: where and what, never a person, a row or a payload."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def logger(role: str) -> Any:
    """A structlog logger bound to a role, writing JSON lines to standard output; libraries only from WARNING on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.getLogger().setLevel(logging.WARNING)
    return structlog.get_logger(role=role)
