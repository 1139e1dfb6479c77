"""The lines of `tritium top` as JSON, for programs."""

from typing import Any

from tritium.cli.facts.row import Row
from tritium.cli.facts.top import Top
from tritium.cli.views.status_data import plain


def top_data(top: Top) -> dict[str, Any]:
    """What the table is made of; absent where it is not known."""
    return {
        "at": top.at.isoformat(),
        "models": [_row(each) for each in top.rows],
        **({"silentGateways": sorted(top.silent)} if top.silent else {}),
        **({"missing": top.missing} if top.missing else {}),
    }


def _row(row: Row) -> dict[str, Any]:
    used, rate, gpus = row.usage, row.rate, row.gpus
    by_status = [name for name, each in (("requestsPerSecond", rate), ("gpus", gpus)) if each and each.rough]
    found = {
        "namespace": row.facts.namespace,
        "name": row.facts.name,
        "phase": row.facts.status.phase,
        "reason": row.facts.status.reason,
        "ready": row.is_ready,
        "revisions": [
            {
                "role": each.role,
                "revision": each.revision,
                "weight": each.weight,
                "readyReplicas": each.ready,
                "replicas": each.wanted,
            }
            for each in row.parts
        ],
        "readyReplicas": row.ready,
        "replicas": row.wanted,
        "min": row.bounds[0] if row.bounds else None,
        "max": row.bounds[1] if row.bounds else None,
        "scaling": plain(row.facts.status.scaling),
        "requestsPerSecond": rate.value if rate else None,
        "errors": used.errors,
        "p50Ms": used.median_ms,
        "p95Ms": used.p95_ms,
        "inFlight": used.active,
        "waiting": used.pending,
        "gpuUtilization": used.gpu,
        "gpus": gpus.value if gpus else None,
        "byStatus": by_status or None,
    }
    return {name: value for name, value in found.items() if value is not None}
