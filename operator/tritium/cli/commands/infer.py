"""`tritium infer`: one request, for trying out."""

import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import aiohttp
import typer

from tritium.cli.cluster import Cluster, run
from tritium.cli.complaints import Complaint, refused
from tritium.cli.facts.model import ModelFacts, read
from tritium.cli.facts.request import of_inputs, of_smoke_test, of_text, service
from tritium.cli.options import As, Context, Name, Namespace, Output
from tritium.cli.printing import show
from tritium.cli.views.answer import answer_data, answer_view
from tritium.kube.errors import ApiError

DEADLINE: Final = 75.0
"""Seconds for an answer: longer than the gateway gives a model where nobody says otherwise."""

PORT: Final = 8000
REVISION: Final = "tritium-revision"
"""The header in which the gateway says which revision answered."""

Preview = Annotated[
    bool, typer.Option("--preview", help="Ask the next revision, before it serves (strategy: blueGreen).")
]

Answer = tuple[int, Mapping[str, str], dict[str, Any]]
Ask = Callable[[str, dict[str, Any] | None], Awaitable[Answer]]
"""(path, body or None for GET) to (HTTP status, headers, answer)."""


def infer(  # noqa: PLR0913, PLR0917 - the options of a command
    name: Name,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", metavar="NAME=JSON", help="An input; its type and shape are the model's."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", "-d", metavar="FILE", allow_dash=True, help='A whole request, {"inputs": …}; - is stdin.'
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", help="Where the model is, such as http://localhost:8000. Absent: by the API server."),
    ] = None,
    preview: Preview = False,  # noqa: FBT002 - a flag
    namespace: Namespace = None,
    context: Context = None,
    output: As = Output.TEXT,
) -> None:
    """Send the model one request. Without inputs it is that of its own smoke test.

    The request goes through the API server to the model's Service, so it works from wherever kubectl works. With --url
    it goes straight to an address, such as that of kubectl port-forward.
    """
    if inputs and data:
        raise typer.BadParameter("--input and --data exclude each other")
    if preview and url:
        raise typer.BadParameter("--preview and --url exclude each other: --url names the preview's address by itself")
    written = _of_file(data)

    async def work(cluster: Cluster) -> tuple[Answer, float]:
        facts = read(await cluster.model(name))
        async with _way(cluster, facts, url, preview=preview) as ask:
            path = f"/v2/models/{quote(facts.model, safe='')}"
            body = written or await _body(ask, path, facts, inputs or [])
            began = time.monotonic()
            return await _asked(ask, f"{path}/infer", body), (time.monotonic() - began) * 1000

    (_, headers, answer), took = run(context, namespace, work, deadline=DEADLINE)
    revision = headers.get(REVISION)
    show(output, answer_view(name, answer, revision, took), answer_data(answer, revision, took))


def _of_file(path: Path | None) -> dict[str, Any] | None:
    """A request that was written down.

    Raises:
        typer.Exit: it cannot be read, or is none; that is said.
    """
    if path is None:
        return None
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text()
        return of_text(text, str(path))
    except (OSError, UnicodeDecodeError, Complaint) as error:
        typer.echo(f"tritium: {error}", err=True)
        raise typer.Exit(1) from error


async def _body(ask: Ask, path: str, facts: ModelFacts, inputs: Sequence[str]) -> dict[str, Any]:
    if not inputs:
        return of_smoke_test(facts)
    _, _, metadata = await _asked(ask, path, None)
    return of_inputs(inputs, metadata)


async def _asked(ask: Ask, path: str, body: dict[str, Any] | None) -> Answer:
    """Ask, and take no for an error.

    Raises:
        Complaint: the model, or the gateway, answers with an error.
    """
    answer = await ask(path, body)
    if answer[0] >= 400:
        raise refused(path, answer[0], answer[2])
    return answer


@asynccontextmanager
async def _way(cluster: Cluster, facts: ModelFacts, url: str | None, *, preview: bool) -> AsyncIterator[Ask]:
    if url is None:
        to = service(facts, preview=preview)
        yield lambda path, body: _by_the_server(cluster, facts, to, path, body)
        return
    limit = aiohttp.ClientTimeout(total=DEADLINE)
    async with aiohttp.ClientSession(timeout=limit) as session:
        yield lambda path, body: _straight(session, url.rstrip("/"), path, body)


async def _by_the_server(
    cluster: Cluster, facts: ModelFacts, to: str, path: str, body: dict[str, Any] | None
) -> Answer:
    way_round = (
        f"or forward a port (kubectl port-forward svc/{to} {PORT} -n {facts.namespace}) and add "
        f"--url http://localhost:{PORT}"
    )
    try:
        return await cluster.client.ask_service(facts.namespace, to, PORT, path, body)
    except ApiError as error:
        if error.reason == "Forbidden":
            right = f"{error.verb} services/proxy in namespace {facts.namespace} ({to}:{PORT})"
            raise Complaint(f"you may not {right}: ask for a Role that allows it, {way_round}") from error
        reach = f"the API server does not reach Service {facts.namespace}/{to}: {error.message}"
        raise Complaint(f"{reach}; see the status of {facts.name}, {way_round}") from error


async def _straight(session: aiohttp.ClientSession, url: str, path: str, body: dict[str, Any] | None) -> Answer:
    method = "GET" if body is None else "POST"
    try:
        async with session.request(method, url + path, json=body) as answer:
            text = await answer.text()
            status, headers = answer.status, answer.headers
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Complaint(f"{url} cannot be reached: {str(error) or type(error).__name__}") from error
    try:
        return status, headers, dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise Complaint(f"{url}{path} answers {status} and no JSON object: is this a Triton?") from error
