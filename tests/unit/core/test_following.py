"""Changes at a source: from what a Job told, to the revision that comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.unit.core.seeing import DENIED, NOW, after, decide, job, revision, serving, status_of, wish
from tests.unit.core.story import ONE
from tritium.api.conditions import ConditionType
from tritium.api.fetch import FetchFailure, FetchReason
from tritium.api.status import SourceStatus
from tritium.core.plan import NewRevision, Resolution
from tritium.core.reasons import Reason
from tritium.core.seen import FollowSeen, Seen
from tritium.core.wish import wish as read_wish

if TYPE_CHECKING:
    from tritium.api.conditions import Condition
    from tritium.api.status import ModelDeploymentStatus
    from tritium.core.plan import Plan

FOLLOWS = wish(follows=True)
MOVED = revision(2, "a", source=2)
KEY = "a#20260101T120100Z"
"""Of the listing that news of a minute after noon lead to."""


def news(found: int | None = 2, before: int = 1, minutes: float = 1, **others: Any) -> FollowSeen:
    fingerprint = None if found is None else f"sha256:{found}"
    return FollowSeen("a", f"sha256:{before}", after(minutes=minutes), fingerprint, **others)


def decided(sees: Seen, status: ModelDeploymentStatus | None = None, minutes: float = 2) -> Plan:
    return decide(FOLLOWS, status or followed(), sees, after(minutes=minutes))


def followed() -> ModelDeploymentStatus:
    """Revision 1 serves, and its source is followed."""
    return decide(FOLLOWS, status_of(wish(), serving(ONE)), serving(ONE), NOW).status


def source_ready(plan: Plan) -> Condition:
    return next(each for each in plan.status.conditions or () if each.type == ConditionType.SOURCE_READY)


def test_what_a_revision_was_made_from_is_what_is_held_against_the_source() -> None:
    assert followed().source == SourceStatus(written="a", fingerprint="sha256:1", at=ONE.created)
    assert status_of(wish(), serving(ONE)).source is None, "nobody asked"


def test_an_alias_is_followed_and_a_version_is_not() -> None:
    registered = {"trackingUri": "https://mlflow.example.com", "name": "churn"}
    metadata = {"namespace": "ml", "name": "churn", "generation": 1}
    for which, follows in (({"alias": "champion"}, True), ({"version": 7}, False)):
        spec = {"model": {"source": {"mlflow": registered | which}}}
        assert read_wish({"metadata": metadata, "spec": spec}).follows is follows


def test_news_have_the_source_listed_again_and_what_serves_goes_on() -> None:
    plan = decided(replace(serving(ONE), followed=(news(),)))
    assert plan.target.revision == ONE
    assert plan.target.resolution == Resolution(KEY, 1)
    assert plan.status.stable
    assert plan.status.stable.revision == 1


def test_what_the_listing_finds_is_a_new_revision() -> None:
    sees = replace(serving(ONE), followed=(news(),), resolutions=(job(KEY, found=2),))
    plan = decided(sees)
    assert plan.target.create == NewRevision(MOVED.hash, 2, "a", "sha256:2", 2, 10)
    assert plan.status.source == followed().source, "not before the revision is there: the process may end here"
    there = decided(replace(sees, revisions=(ONE, MOVED)), plan.status)
    assert there.target.revision == MOVED
    assert there.course.candidate == MOVED
    assert there.status.source == SourceStatus(written="a", fingerprint="sha256:2", at=NOW)
    said = [each.message for each in there.notices if each.reason == Reason.SOURCE_MOVED]
    assert said == ["the source now holds what revision 2 was made from"]


def test_news_that_were_looked_into_are_none_any_more() -> None:
    sees = replace(serving(ONE, MOVED), followed=(news(),), resolutions=(job(KEY, found=2),))
    status = decided(sees).status
    again = decided(replace(sees, resolutions=()), status)
    assert again.target.resolution is None
    assert again.target.revision == MOVED


def test_an_alias_that_comes_back_brings_the_old_revision_back() -> None:
    status = followed().model_copy(update={"source": SourceStatus(written="a", fingerprint="sha256:2", at=NOW)})
    sees = serving(ONE, MOVED)
    back = replace(sees, followed=(news(1, before=2),), resolutions=(job(KEY, found=1),))
    plan = decided(back, status)
    assert plan.target.revision == ONE, "although a newer revision of the same spec is kept"
    assert plan.target.create is None
    later = decided(sees, plan.status)
    assert later.target.revision == ONE, "and it stays so when the Job is gone"


def test_news_of_a_state_that_is_not_the_known_one_are_old() -> None:
    for old in (news(before=7), news(minutes=-1), replace(news(), written="b")):
        assert decided(replace(serving(ONE), followed=(old,))).target.resolution is None


def test_a_pin_keeps_what_it_pins_whatever_is_told() -> None:
    pinned = replace(FOLLOWS, pin=1)
    sees = replace(serving(ONE), followed=(news(),))
    plan = decide(pinned, followed(), sees, after(minutes=2))
    assert (plan.target.revision, plan.target.resolution) == (ONE, None)
    assert plan.status.source == followed().source, "it is known still when the pin goes"


def test_a_source_that_cannot_be_listed_any_more_is_told_and_nothing_else_happens() -> None:
    failure = FetchFailure(reason=FetchReason.SOURCE_UNREACHABLE, message="s3://models does not answer")
    plan = decided(replace(serving(ONE), followed=(news(None, failure=failure),)))
    found = source_ready(plan)
    assert (found.status, found.reason) == ("False", "SourceUnreachable")
    assert found.message == ("s3://models does not answer. What was fetched goes on; a change would not be noticed")
    assert plan.target.resolution is None
    assert plan.replicas == decided(serving(ONE)).replicas
    well = decided(replace(serving(ONE), followed=(news(None, failure=failure), news(None, minutes=1.5))), plan.status)
    assert source_ready(well).status == "True"


def test_a_listing_of_what_has_changed_that_fails_is_told_and_tried_again() -> None:
    plan = decided(replace(serving(ONE), followed=(news(),), resolutions=(job(KEY, trouble=DENIED),)), minutes=0.1)
    assert plan.target.revision == ONE
    assert plan.target.retry_at == after(seconds=10)
    assert source_ready(plan).reason == "AccessDenied"


def test_a_spec_that_asks_for_it_no_longer_forgets_what_was_known() -> None:
    assert decide(wish(), followed(), serving(ONE), NOW).status.source is None
