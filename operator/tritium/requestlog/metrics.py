"""What is counted: every request that the gateway told of is either in a file that was stored, or was dropped."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, generate_latest


class Dropped(StrEnum):
    """Why a record is in no file."""

    STREAMS = "streams"
    """More requests at a time than are written."""
    MEMORY = "memory"
    """Their bodies together were larger than what is kept."""
    STORE = "store"
    """The store was away, and newer ones took its room; or it was still away when the pod ended."""
    MISTAKE = "mistake"
    """A mistake of Tritium's own; the log has it."""


class Metrics:
    """See the module."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.records = self._counter("records", "Records in files that were stored")
        self.bytes = self._counter("bytes", "Bytes of files that were stored, compressed")
        self.files = self._counter("files", "Files that were stored")
        self.upload_failures = self._counter("upload_failures", "Attempts to store a file that failed")
        self._dropped = Counter(
            "tritium_request_log_dropped", "Records that are in no file", ["reason"], registry=self._registry
        )
        for reason in Dropped:
            self._dropped.labels(reason)

    def dropped(self, reason: Dropped, records: int = 1) -> None:
        """They are in no file."""
        self._dropped.labels(reason).inc(records)

    def text(self) -> bytes:
        """As Prometheus reads it."""
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"tritium_request_log_{name}", text, registry=self._registry)
