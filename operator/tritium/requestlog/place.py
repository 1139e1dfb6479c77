"""The model's folder in the user's bucket."""

from pathlib import Path

from tritium.api.request_log import RequestLogRequest
from tritium.sync import credentials
from tritium.sync.addresses import Policy
from tritium.sync.discretion import Discretion
from tritium.sync.errors import Failed
from tritium.sync.guard import Guard
from tritium.sync.objects import Folder
from tritium.sync.s3 import s3

_WORDS = {
    "model.source.uri": "logging.uri",
    "model.source.credentials": "logging.secretRef",
    "cannot be read from": "cannot be written to",
    "list the bucket and read its objects": "write objects into the bucket",
    "lets no source connect there": "lets no pod with a user's address connect there",
    ", or set model.source.options.anonymous: 'true' for a public bucket": "",
}
"""What messages of sync say of sources, and what it is called here."""


_OF_THE_SECRET = {
    "model.source.options.region to its own": "AWS_REGION in the Secret to its own",
    "model.source.options.endpoint": "AWS_ENDPOINT_URL in the Secret",
    "model.source.options": "the Secret",
}
"""The same, where the server is named in a Secret and not in the model's source."""


class Place:
    """Where files go. After a failure everything is read anew: a Secret that was corrected needs no new pod.

    Args:
        request: names it.
        secret: the folder where the Secret is mounted.
    """

    def __init__(self, request: RequestLogRequest, secret: Path) -> None:
        self._request = request
        self._secret = secret
        self._guard: Guard | None = None
        self._folder: Folder | None = None

    def __str__(self) -> str:
        return f"{(self._request.target.uri or '').rstrip('/')}/{self._request.namespace}/{self._request.name}"

    async def put(self, name: str, content: bytes) -> None:
        """Write a file below the folder.

        Raises:
            Failed: in words of `spec.logging`, and without secrets.
        """
        try:
            if self._folder is None:
                self._folder = self._open()
            await self._folder.put(f"{self._request.namespace}/{self._request.name}/{name}", content)
        except Failed as failure:
            self.close()
            raise self._told(failure) from failure

    def close(self) -> None:
        """End its connections."""
        if self._guard:
            self._guard.__exit__()
        self._guard = self._folder = None

    def _open(self) -> Folder:
        request, target = self._request, self._request.target
        found = credentials.read(self._secret, target)
        self._guard = Guard(
            Policy.of(map(str, request.allowed_networks or ()), map(str, request.refused_networks or ()))
        )
        options = dict(target.options or {})
        if "endpoint" not in options and found.values.get(credentials.ENDPOINT_KEY, "").startswith("http://"):
            # Whoever writes that into the Secret means it, and has no other place to say so.
            options["allowHttp"] = "true"
        return s3(target.model_copy(update={"options": options}), found, self._guard)

    def _told(self, failure: Failed) -> Failed:
        message = failure.message
        named = "endpoint" in (self._request.target.options or {})
        for theirs, ours in (_WORDS if named else _WORDS | _OF_THE_SECRET).items():
            message = message.replace(theirs, ours)
        return Failed(failure.reason, Discretion.of(self._secret)(message), transient=failure.transient)
