"""Kinds know where they are, and objects know their kind."""

from __future__ import annotations

import pytest

from tritium.kube import kinds


@pytest.mark.parametrize("kind", kinds.WATCHED)
def test_an_object_is_of_the_kind_it_says(kind: kinds.Kind) -> None:
    assert kinds.of({"apiVersion": kind.api_version, "kind": kind.kind}) is kind


def test_what_the_operator_does_not_deal_with() -> None:
    with pytest.raises(LookupError, match="deals with no Secret of v1"):
        kinds.of({"apiVersion": "v1", "kind": "Secret"})


def test_all_that_is_owned_is_selected_by_label() -> None:
    assert {kinds.selector(kind) for kind in kinds.OWNED} == {"app.kubernetes.io/managed-by=tritium"}
    assert kinds.selector(kinds.MODEL_DEPLOYMENTS) == ""
