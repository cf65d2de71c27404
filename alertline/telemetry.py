"""What this process tells about itself: metrics (Prometheus) and logs (structlog).

Every metric is declared here, once, with the meaning of its labels. Label values come from closed sets: a sender can
never make a new time series. Logs are events with keys; what is secret (tokens, query strings, bodies) is never a key.
"""

import logging
import sys
from enum import StrEnum
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

__all__ = [
    "APPEND_SECONDS",
    "BODY_BYTES",
    "DELIVERIES",
    "EXPOSITION_TYPE",
    "REFUSALS",
    "REGISTRY",
    "LogFormat",
    "configure_logging",
    "exposition",
]

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

# deliveries that are durable on the log; source: a source type's name, outcome: schemas.vocabulary.Outcome or `tick`
DELIVERIES: Final = Counter(
    "alertline_deliveries", "Deliveries taken and durable on the event log.", ("source", "outcome"), registry=REGISTRY
)
# bytes of raw bodies, after decompression; source: a source type's name
BODY_BYTES: Final = Counter("alertline_body_bytes", "Bytes of bodies received.", ("source",), registry=REGISTRY)
# requests that were not taken; reason: one of the words in ingest/receivers.py
REFUSALS: Final = Counter(
    "alertline_refusals", "Requests to receivers that were refused.", ("reason",), registry=REGISTRY
)
# from handing a record to the log until it is durable; the promise is an answer within 1 s
APPEND_SECONDS: Final = Histogram(
    "alertline_append_seconds",
    "Seconds until a record was durable on the event log.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
    registry=REGISTRY,
)

EXPOSITION_TYPE: Final = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """Every metric in Prometheus' text format."""
    return generate_latest(REGISTRY)


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    CONSOLE = "console"


def configure_logging(log_format: LogFormat, level: str = "INFO") -> None:
    """Send every log event, ours and the libraries', to standard error, one line each.

    Raises:
        ValueError: no such level.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: list[structlog.types.Processor]
    if log_format is LogFormat.JSON:
        renderer = [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    else:
        renderer = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
