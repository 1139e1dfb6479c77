"""The composition root of the agent: facts in, Envoy's configuration out, and what Envoy says of it told on."""

import asyncio
import json
import logging
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import tritium
from tritium.api.gateway import GatewayCounters, GatewayReport, HeldReport
from tritium.gateway import disk
from tritium.gateway.admin import LIVE, Admin, AdminUnavailable
from tritium.gateway.bootstrap import bootstrap
from tritium.gateway.counters import counters, lost
from tritium.gateway.drain import Drain
from tritium.gateway.facts import Facts, ModelFacts
from tritium.gateway.follow import Following
from tritium.gateway.http import serve
from tritium.gateway.metrics import Metrics, Now
from tritium.gateway.reading import Reading, read
from tritium.gateway.report import Runs, report, runs
from tritium.gateway.settings import Settings
from tritium.gateway.snapshot.compile import compile_snapshot
from tritium.gateway.snapshot.resource import Snapshot
from tritium.gateway.waiting import Waiting
from tritium.gateway.xds.server import Server
from tritium.kube.client import Client

log = logging.getLogger(__name__)

GAP: Final = 0.01
"""Seconds: what changes so shortly after another change goes out together with it."""

LOOK: Final = 0.05
"""Seconds: so often, at most, is what Envoy says looked at by those who are not asked for it."""

SAVE_EVERY: Final = 1.0
"""Seconds between two writes to the disk."""


@dataclass(frozen=True, slots=True)
class Published:
    """What Envoy was last told to do, and what it was made from."""

    facts: Facts
    reading: Reading
    snapshot: Snapshot


class Agent:
    """One process of the agent; an `http.Answers`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._news = asyncio.Event()
        self._said = asyncio.Event()
        self._unsaved = asyncio.Event()
        self._stop = asyncio.Event()
        self._published: Published | None = None
        self._runs: Runs = {}
        self._good: dict[str, ModelFacts] = {}
        """Facts of which Envoy has acknowledged everything."""
        self._was_whole = False
        """Since Envoy connected: it has once acknowledged everything."""
        self._lost: Mapping[str, int] = {}
        self._metrics = Metrics(self._now)
        self._waiting = Waiting(self._news.set)
        self._server = Server(settings.xds_socket, self._said.set, self._waiting.service)

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT, and as long as Envoy is there."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        self._write_bootstrap()
        user_agent = f"tritium-gateway/{tritium.__version__}"
        async with (
            Admin(self._settings.admin_socket) as self._admin,
            Client.from_environment(user_agent=user_agent, observe=self._metrics.request) as client,
        ):
            self._drain = Drain(self._admin, self._settings)
            self._following = Following(client, self._settings.namespace, self._from_disk(), self._news.set)
            async with self._server, serve(self, self._settings):
                await self._until_stopped()

    def report(self) -> GatewayReport:
        """What Envoy runs."""
        self._look()
        state, synced = self._server.state, self._following.synced
        if self._published is None:
            return GatewayReport(synced=synced, connected=state.connected, envoy=state.envoy, models=[])
        return report(self._published.reading, self._published.snapshot, state, self._runs, synced=synced)

    async def counters(self) -> GatewayCounters:
        """What Envoy has counted."""
        served = self._published.reading.table.models if self._published else {}
        return counters(await self._admin.stats(), served)

    async def held(self, known: str) -> HeldReport:
        """Who is waited for."""
        return await self._waiting.report(known)

    def closing(self) -> None:
        """No more requests are taken."""
        self._waiting.close()

    def started(self) -> tuple[bool, str]:
        """Whether there is a configuration for Envoy to begin with."""
        if self._following.facts is None:
            return False, "waiting for the API server, and there is nothing on the disk"
        return True, "synced" if self._following.synced else "serving what was on the disk"

    async def ready(self) -> tuple[bool, str]:
        """Whether Envoy takes requests, and with a whole configuration."""
        self._look()
        if not self._server.state.connected:
            return False, "Envoy is not connected"
        if not self._was_whole:
            return False, "Envoy has not acknowledged everything yet"
        if self._drain.begun:
            return False, "draining"
        try:
            state = await self._admin.state()
        except AdminUnavailable as error:
            return False, f"Envoy does not answer: {error}"
        return state == LIVE, f"Envoy is {state}"

    async def drain(self) -> str:
        """Lead clients away."""
        return await self._drain.run()

    async def metrics(self) -> bytes:
        """The agent's own, and what Envoy has lost of the requests to be logged, unless it does not say."""
        served = self._published.reading.table.models if self._published else {}
        try:
            self._lost = lost(await self._admin.lost(), served)
        except AdminUnavailable:
            self._lost = {}
        return self._metrics.text()

    def _now(self) -> Now:
        models = self._published.reading.table.models if self._published else {}
        return Now(
            self._server.state,
            self._following.synced,
            len(models),
            self._waiting.open(),
            self._following.ages(),
            {(self._settings.namespace, name): samples for name, samples in self._lost.items()},
        )

    def _write_bootstrap(self) -> None:
        """Envoy starts once it is there, so it has to be there as a whole."""
        file = self._settings.bootstrap_file
        beside = file.with_name(f"{file.name}.new")
        beside.write_text(json.dumps(bootstrap(self._settings.envoy())))
        beside.replace(file)

    def _from_disk(self) -> Facts | None:
        try:
            facts = disk.load(self._settings.snapshot_file, self._settings.namespace)
        except (disk.Unusable, OSError) as error:
            log.warning("what is on the disk is of no use: %s", error)
            return None
        if facts is not None:
            log.info("serving what is on the disk until the API server has told everything")
            self._good = dict(facts.models)
            self._news.set()
        return facts

    async def _until_stopped(self) -> None:
        """End with the signal; Envoy, if it is still there, is served until it is gone or the time is over."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(each)
                for each in (self._following.run(), self._publish_news(), self._hear(), self._save_good())
            ]
            await self._stop.wait()
            log.info("told to stop")
            await self._until_envoy_is_gone()
            for task in tasks:
                task.cancel()
        log.info("stopped")

    async def _until_envoy_is_gone(self) -> None:
        while True:
            if not self._server.state.connected:
                return
            await asyncio.sleep(LOOK)

    async def _publish_news(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), self._waiting.due())
            self._news.clear()
            began = time.perf_counter()
            facts = self._following.facts
            if facts is not None:
                self._publish_safely(facts)
            # However much changes, half of the time is for what Envoy says.
            await asyncio.sleep(max(GAP, time.perf_counter() - began))

    def _publish_safely(self, facts: Facts) -> None:
        """One ModelDeployment that nobody thought of must not end the agents of all gateway pods, again and again."""
        try:
            self._publish(facts)
        except Exception:
            log.exception("what is known cannot be made into a configuration, so Envoy goes on with what it has")

    def _publish(self, facts: Facts) -> None:
        began = time.perf_counter()
        reading = read(facts)
        reading = replace(reading, table=self._waiting.named(reading.table))
        snapshot = compile_snapshot(reading.table, self._settings.listeners())
        told = self._published.reading.left_out if self._published else ()
        for each in reading.left_out:
            if each not in told:
                log.error("%s is left out: %s", each.resource, each.message)
        self._published = Published(facts, reading, snapshot)
        self._metrics.publish_seconds.observe(time.perf_counter() - began)
        self._server.publish(snapshot)
        self._waiting.publish(reading.table, snapshot, self._server.state, listed=self._following.synced)
        self._unsaved.set()

    async def _hear(self) -> None:
        """Note what Envoy says, also while nobody asks."""
        while True:
            await self._said.wait()
            self._said.clear()
            try:
                self._look()
            except Exception:  # the next answer is looked at again; without this every agent would end of it
                log.exception("what Envoy says cannot be understood")
            await asyncio.sleep(LOOK)

    def _look(self) -> None:
        state = self._server.state
        self._was_whole = state.connected and (self._was_whole or state.whole)
        if self._published is None:
            return
        table = self._published.reading.table
        before, self._runs = self._runs, runs(self._runs, table, self._published.snapshot, state)
        for name, model in self._runs.items():
            if model != before.get(name):
                self._good[name] = self._published.facts.models[name]
                self._unsaved.set()

    async def _save_good(self) -> None:
        """Keep on the disk what Envoy takes: of what it refuses, what it took before."""
        while True:
            await self._unsaved.wait()
            await asyncio.sleep(SAVE_EVERY)
            if self._published is None or not self._following.synced or not self._was_whole:
                continue
            self._unsaved.clear()
            facts = self._good_facts(self._published)
            self._good = dict(facts.models)
            try:
                await asyncio.to_thread(disk.save, self._settings.snapshot_file, self._settings.namespace, facts)
            except OSError as error:
                log.warning("cannot write %s: %s", self._settings.snapshot_file, error)

    def _good_facts(self, published: Published) -> Facts:
        good = {name: self._good.get(name) for name in published.facts.models}
        kept = {
            name: each
            for name, each in good.items()
            if each is not None and each.uid == published.facts.models[name].uid
        }
        return Facts(kept, published.facts.slices)
