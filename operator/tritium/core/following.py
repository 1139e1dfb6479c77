"""Changes at a source: which state of it is followed, and what of that which was told is still news.

One Job looks at many sources and tells of what has changed (`api.follow`). That is only a hint: the source is listed
again as for a new spec, with the pods' identity, and what that finds makes the revision.
"""

from datetime import UTC

from tritium.api.source import Source
from tritium.api.status import SourceStatus
from tritium.core.ledger import Ledger
from tritium.core.plan import Target
from tritium.core.seen import FollowSeen, Seen
from tritium.core.wish import Wish

Group = tuple[str, ...]


def group(source: Source) -> Group:
    """What sources have in common that one pod can look at: the credentials, and the server.

    >>> keys = {"secretRef": {"name": "keys"}}
    >>> one = Source.model_validate({"uri": "s3://models/fraud", "credentials": keys})
    >>> group(one) == group(one.model_copy(update={"uri": "s3://others/churn"}))
    True
    >>> group(one) == group(Source.model_validate({"uri": "s3://models/fraud"}))
    False
    """
    credentials = source.credentials
    secret = credentials.secret_ref.name if credentials and credentials.secret_ref else ""
    account = (credentials.service_account_name or "") if credentials else ""
    if source.mlflow:
        return secret, account, source.mlflow.tracking_uri
    scheme, _, rest = (source.uri or "").partition("://")
    # The server of an object store or a hub is named beside, that of anything else is the beginning of its address.
    host = "" if scheme in {"s3", "gs", "az", "hf"} else rest.partition("/")[0]
    return secret, account, scheme, (source.options or {}).get("endpoint", host)


def followed(wish: Wish, ledger: Ledger, target: Target) -> SourceStatus | None:
    """The state of the source that is held against what is there, from now on.

    It is what the last listing found. Before there was a second one that is the state that the revision was made from.
    """
    if not wish.follows:
        return None
    known = ledger.source if ledger.source and ledger.source.written == wish.written else None
    if target.source:
        return target.source
    revision = target.revision
    if revision is None or revision.written != wish.written or (known and known.fingerprint == revision.fingerprint):
        return known
    return SourceStatus(written=revision.written, fingerprint=revision.fingerprint, at=revision.created)


def told(wish: Wish, ledger: Ledger, seen: Seen) -> FollowSeen | None:
    """The newest that was told of the source, unless it was listed since then, or nobody asks any more."""
    known = ledger.source
    if not wish.follows or known is None or known.written != wish.written:
        return None
    mine = (each for each in seen.followed if (each.written, each.before) == (known.written, known.fingerprint))
    newest = max(mine, key=lambda each: each.told, default=None)
    return newest if newest and newest.told > known.at else None


def attempt_key(wish: Wish, news: FollowSeen) -> str:
    """Names the listing that news lead to: other news, another listing."""
    return f"{wish.written}#{news.told.astimezone(UTC):%Y%m%dT%H%M%SZ}"
