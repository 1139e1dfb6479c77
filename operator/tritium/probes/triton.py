"""Asks a Triton server, before a new revision gets any traffic: its smoke test, and which tensors its model has."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from tritium.api.tensors import SmokeTest
from tritium.core.elements import MistakeInTensor
from tritium.core.revision import duration
from tritium.core.seen import Answer, SignatureSeen, SmokeSeen
from tritium.core.signature import Signature, Tensor
from tritium.core.wording import sentence, steady
from tritium.probes.comparing import compare
from tritium.probes.encoding import encode

LIMIT: Final = "30s"
"""How long one answer may take, where the test does not say."""

CONNECTING: Final = 3.0
"""Seconds for a connection and the answer that the server lives."""

_ASKED_AGAIN: Final = frozenset({"StatusCode.UNAVAILABLE", "StatusCode.NOT_FOUND", "StatusCode.CANCELLED"})
"""A pod that goes: the connection is cut, or the model is unloaded already. A Ready pod has the model of that name."""

_CHANNEL: Final = [
    # The pod is asked, not a proxy that the environment names.
    ("grpc.enable_http_proxy", 0),
    # A connection of its own, so that the wait after somebody else's failure is not ours.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]


async def smoke(address: str, model: str, tests: Sequence[SmokeTest]) -> SmokeSeen:
    """Ask the model what the tests ask, one after the other, until one fails.

    A server that does not answer at all is `UNREACHABLE`. From then on the clock is the model's: an answer that takes
    longer than its test allows has `FAILED`, and so has a test that cannot be right.

    Args:
        address: gRPC of the pod, `ip:8001`.
        model: its name in Triton.
        tests: as the user wrote them.
    """
    async with InferenceServerClient(address, channel_args=_CHANNEL) as client:
        if silent := await _silent(client):
            return silent
        for index, test in enumerate(tests):
            seen = await _ask(client, model, test, f"model.smokeTest[{index}]")
            if seen.answer is not Answer.PASSED:
                return seen
    return SmokeSeen(Answer.PASSED)


async def signature(address: str, model: str) -> SignatureSeen:
    """Which tensors a model takes and gives.

    Args:
        address: gRPC of the pod, `ip:8001`.
        model: its name in Triton.
    """
    async with InferenceServerClient(address, channel_args=_CHANNEL) as client:
        try:
            told = await client.get_model_metadata(model, client_timeout=CONNECTING)
        except InferenceServerException as error:
            return SignatureSeen(message=sentence(f"Triton says: {_words(error)}"))
    return SignatureSeen(Signature(_tensors(told.inputs), _tensors(told.outputs)))


def _tensors(told: Iterable[Any]) -> tuple[Tensor, ...]:
    return tuple(Tensor(each.name, each.datatype, tuple(each.shape)) for each in told)


async def _silent(client: InferenceServerClient) -> SmokeSeen | None:
    """What to say if the server does not answer even whether it lives."""
    try:
        await client.is_server_live(client_timeout=CONNECTING)
    except InferenceServerException as error:
        return SmokeSeen(Answer.UNREACHABLE, sentence(f"Triton does not answer: {_words(error)}"))
    return None


async def _ask(client: InferenceServerClient, model: str, test: SmokeTest, path: str) -> SmokeSeen:
    limit = test.timeout or LIMIT
    name = f"{path} ({test.name})" if test.name else path
    try:
        inputs = [encode(each, f"{path}.inputs[{index}]") for index, each in enumerate(test.inputs)]
        answer = await client.infer(model, inputs, client_timeout=duration(limit)["microseconds"] / 1e6)
        for index, expected in enumerate(test.outputs or ()):
            if difference := compare(expected, answer.as_numpy(expected.name), f"{path}.outputs[{index}]"):
                return SmokeSeen(Answer.FAILED, f"{name}: {difference}.")
    except MistakeInTensor as mistake:
        return SmokeSeen(Answer.FAILED, f"The smoke test is not right: {mistake}.")
    except InferenceServerException as error:
        return await _refused(client, error, name, limit)
    return SmokeSeen(Answer.PASSED)


async def _refused(client: InferenceServerClient, error: InferenceServerException, name: str, limit: str) -> SmokeSeen:
    status = error.status()
    if status == "StatusCode.DEADLINE_EXCEEDED":
        # A node that vanished meanwhile must not count against the model.
        late = SmokeSeen(Answer.FAILED, f"{name}: the model did not answer within {limit}.")
        return await _silent(client) or late
    answer = Answer.UNREACHABLE if status in _ASKED_AGAIN else Answer.FAILED
    return SmokeSeen(answer, sentence(f"{name}: Triton answers: {_words(error)}"))


def _words(error: InferenceServerException) -> str:
    return steady(error.message() or "no reason is given")
