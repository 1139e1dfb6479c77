"""What a Hugging Face hub says that a repository holds, asked by the hub's own library.

The library would take a token from the home folder and wait for ever: it is given a token, or none, and a client with
limits. It writes nothing.
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Final

import httpx2
from huggingface_hub import HfApi, set_client_factory
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile, RepoFolder

from tritium.api.fetch import FetchReason
from tritium.sync import credentials as identity
from tritium.sync import server
from tritium.sync.errors import Failed
from tritium.sync.explain import Place, stopped, unreachable
from tritium.sync.hub import Reference
from tritium.sync.listing import MAX_FILES, RemoteFile

_LIMITS: Final = httpx2.Timeout(10.0, connect=3.0)

_ONE_AT_A_TIME: Final = threading.Lock()
"""The library has one client for all; a follower lists several sources, each with a client of its own."""


def listed(named: Reference, place: Place, options: dict[str, str], token: str | None) -> tuple[str, list[RemoteFile]]:
    """The commit that a revision names now, and its files below a path, or the one file of that name.

    Raises:
        Failed: the hub does not say, within 15 seconds where it does not answer.
    """
    if place.server.startswith("http://") and options.get("allowHttp") != "true":
        raise unreachable(place, "its address is http://")
    hub = HfApi(endpoint=place.server, token=token or False, library_name="tritium")
    with _ONE_AT_A_TIME, _explained(named, place):
        set_client_factory(lambda: _client(place, options))
        found = hub.model_info(named.repository, revision=named.revision)
        if found.gated:
            hub.auth_check(named.repository)  # what it holds is public, the bytes are not
        if not found.sha:
            raise ValueError("no commit")
        return found.sha, _files(hub, named, found.sha, place)


def _client(place: Place, options: dict[str, str]) -> httpx2.Client:
    trusted = ssl.create_default_context()
    if authority := identity.authority(place.credentials):
        trusted.load_verify_locations(cadata=authority)

    def limit(request: httpx2.Request) -> None:
        # The library asks for pages of a listing without a limit of time.
        request.extensions = {**request.extensions, "timeout": _LIMITS.as_dict()}

    return httpx2.Client(
        event_hooks={"request": [limit]},
        follow_redirects=True,
        proxy=server.route(options.get("proxyUrl"), place).get("proxy_url"),
        trust_env=False,
        verify=trusted,
    )


def _files(hub: HfApi, named: Reference, commit: str, place: Place) -> list[RemoteFile]:
    if named.path:
        there = hub.get_paths_info(named.repository, named.path, revision=commit)
        if not there:
            raise _absent(place, f"nothing is at {named.path}, at commit {commit}. Check the path in model.source.uri")
        if isinstance(there[0], RepoFile):
            return [_remote(there[0], named, commit, named.path.rpartition("/")[2])]
    tree = hub.list_repo_tree(named.repository, named.path or None, recursive=True, revision=commit)
    entries = list(islice(tree, 2 * MAX_FILES))
    prefix = f"{named.path}/" if named.path else ""
    files = [each for each in entries if not isinstance(each, RepoFolder)]
    if len(files) > MAX_FILES or len(entries) == 2 * MAX_FILES:
        what = f"{place} holds more than {MAX_FILES} files; point model.source.uri to one model"
        raise Failed(FetchReason.MODEL_INVALID, what)
    if foreign := next((each.path for each in files if not each.path.startswith(prefix)), None):
        raise Failed(FetchReason.MODEL_INVALID, f"{place} lists {foreign!r}, which does not lie below it")
    return [_remote(each, named, commit, each.path.removeprefix(prefix)) for each in files]


def _remote(file: RepoFile, named: Reference, commit: str, path: str) -> RemoteFile:
    return RemoteFile(
        path=path,
        size=file.size,
        version=file.lfs.sha256 if file.lfs else file.blob_id,
        key=f"{named.repository}/resolve/{commit}/{file.path}",
        sha256=file.lfs.sha256 if file.lfs else None,
        blob=None if file.lfs else file.blob_id,  # of one in LFS it is that of the pointer
    )


@contextmanager
def _explained(named: Reference, place: Place) -> Iterator[None]:
    """Whatever the library raises becomes a reason and a sentence."""
    try:
        yield
    except HfHubHTTPError as error:
        raise stopped(place) or _answered(error, named, place) from error
    except httpx2.TimeoutException as error:
        raise stopped(place) or unreachable(place, "no answer within the time allowed") from error
    except httpx2.HTTPError as error:
        raise stopped(place) or unreachable(place, str(error)) from error
    except HFValidationError as error:
        raise _absent(place, f"{named.repository} is no name of a repository. Check model.source.uri") from error
    except (ValueError, KeyError, TypeError) as error:
        what = f"{place}: the server does not answer as a Hugging Face hub does. Check model.source.options.endpoint"
        raise Failed(FetchReason.SOURCE_UNREACHABLE, what) from error


def _answered(error: HfHubHTTPError, named: Reference, place: Place) -> Failed:
    """What the hub says."""
    repository, status = named.repository, error.response.status_code
    if isinstance(error, GatedRepoError):
        return _refused(place, f"{repository} is gated", "accept its terms on its page on the hub")
    if isinstance(error, RepositoryNotFoundError) and status == 404:
        what = f"there is no model repository {repository}, or this token may not see it"
        return _absent(place, f"{what}. Check the name, and what the token may read")
    if isinstance(error, RepositoryNotFoundError):  # the hub does not say to a stranger which it is
        return _refused(place, f"{repository} is private, or does not exist", "check the name")
    if isinstance(error, RevisionNotFoundError):
        what = f"{repository} has no revision {named.revision}. Check what follows @ in model.source.uri"
        return _absent(place, what)
    if status in {401, 403}:
        return _refused(place, f"the hub answers {status}", "use a token that is valid and may read it")
    what = f"{place}: the server cannot be read from ({status}). Check it, and model.source.options"
    return Failed(FetchReason.SOURCE_UNREACHABLE, what, transient=status >= 500 or status == 429)


def _absent(place: Place, what: str) -> Failed:
    return Failed(FetchReason.SOURCE_NOT_FOUND, f"{place}: {what}")


def _refused(place: Place, what: str, remedy: str) -> Failed:
    secret = place.credentials.secret
    whose = (
        f"check the token in Secret {secret}" if secret else "name a Secret with a token in model.source.credentials"
    )
    return Failed(FetchReason.ACCESS_DENIED, f"{place}: access was refused: {what}. To read it, {remedy}, and {whose}")
