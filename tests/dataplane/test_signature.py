"""Which tensors a model has, as a real Triton tells it."""

import socket

from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports
from tritium.core.seen import SignatureSeen
from tritium.core.signature import ANY, Signature, Tensor
from tritium.probes import triton as probe


async def test_the_batch_dimension_is_one_of_any_size(triton: Triton) -> None:
    rows = (ANY, 2)
    told = Signature((Tensor("A", "FP32", rows), Tensor("B", "FP32", rows)), (Tensor("SUM", "FP32", rows),))
    assert await probe.signature(triton.address, "adder") == SignatureSeen(told)


async def test_without_a_batch_the_shape_is_the_models(triton: Triton) -> None:
    told = Signature((Tensor("SECONDS", "FP32", (1,)),), (Tensor("SLEPT", "FP32", (1,)),))
    assert await probe.signature(triton.address, "slow") == SignatureSeen(told)


async def test_every_type_has_the_name_that_the_api_has(triton: Triton) -> None:
    seen = await probe.signature(triton.address, "identity")
    assert seen.signature
    assert {each.datatype for each in seen.signature.inputs} == {
        each.name.removeprefix("IN_") for each in seen.signature.inputs
    }


async def test_what_does_not_answer_is_said(triton: Triton) -> None:
    gone = await probe.signature(triton.address, "gone")
    assert (gone.signature, "unknown model: 'gone'" in gone.message) == (None, True)
    nobody = await probe.signature(f"{HOST}:{free_ports(1)[0]}", "adder")
    assert (nobody.signature, nobody.message.startswith("Triton says: ")) == (None, True)
    with socket.create_server((HOST, 0)) as server:
        assert (await probe.signature(f"{HOST}:{server.getsockname()[1]}", "adder")).signature is None
