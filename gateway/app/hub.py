"""The hub role: the edges' rows become positions and alerts, and whoever may know is told.

broker ─► Receiver ─► Intake ─► database ─► Stepper ─┬─► positions, alerts ─► LiveStream ─► API
                                    └─► Amender ─────┘        └─► rows for the sink ─► Sender

and the lights beside it: see hub_lights.py.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import structlog

from gateway import __version__
from gateway.alerts.happenings import TwinSeen
from gateway.api.application import create_app
from gateway.api.lights import lights_of
from gateway.api.server import serve
from gateway.api.stream import LiveStream
from gateway.app.amender import Amender
from gateway.app.gateway_minutes import GatewayMinutes
from gateway.app.hub_lights import Defaults, HubLights
from gateway.app.hub_tags import HubTags, hub_key
from gateway.app.hub_time import HubTime
from gateway.app.intake import Intake
from gateway.app.nightly import Nights, learn_beside
from gateway.app.orders import Orders
from gateway.app.pulse import Pulse
from gateway.app.registry import Registry
from gateway.app.routes import Routes
from gateway.app.sink_watch import SinkWatch
from gateway.app.stepper import Stepper
from gateway.app.store_care import StoreCare
from gateway.app.survey_file import load_survey
from gateway.app.telling import queue_alerts
from gateway.app.tuning import Tuning
from gateway.clock import Clock
from gateway.lamps import LampType
from gateway.lights.defaults import load_defaults
from gateway.lights.profiles import load_types
from gateway.link.acceptor import Event, RowsLost
from gateway.link.broker import Broker, Handler, Presence
from gateway.link.envelope import Status, decode_status, encode
from gateway.link.flow import Row
from gateway.link.receiver import Receiver
from gateway.link.sender import Sender
from gateway.link.topics import ANY, Message, Topics
from gateway.model import Alert, Lane, Position, Rejected, Suspicion
from gateway.outputs.topics import alert_publication
from gateway.settings import Settings, config_dir
from gateway.site import Site, load_site
from gateway.store.database import Database
from gateway.store.errors import StoreError
from gateway.store.outgoing import NOBODY, Queue
from gateway.store.source import OutgoingRows
from gateway.tags.survey import Survey, fit_survey
from gateway.tags.warming import warm_up

STATUS_EVERY_S = 10.0
REFRESH_EVERY_S = 2.0
PUBLISH_RETRY_S = 1.0
MAX_WAITING = 1_000
OUT = Queue("out", "sink")
NO_DEFAULTS = Defaults()

Work = Callable[[], Coroutine[Any, Any, None]]

_log = structlog.get_logger()


def build_hub(settings: Settings, clock: Clock, pulse: Pulse) -> "Hub":
    """The hub of the settings' site; takes half a minute where the tracker is yet to be compiled.

    Raises SiteError, ProfileError, DefaultsError and RecordingError where the site, its kinds of
    lamps, the programs to begin with or the survey cannot be used.
    """
    site = load_site(settings.site)
    types = load_types(settings.lamps)
    defaults = Defaults(*load_defaults(config_dir() / "lights"))
    survey = None
    if settings.survey is not None:
        found = load_survey(settings.survey, site, progress=lambda _done, _total: None)
        for remark in found.remarks(settings.survey):
            _log.warning("a part of the survey is not used", reason=remark)
        survey = fit_survey(site.receivers, found.rows)
    warm_up(site)
    return Hub(settings, site, clock, pulse, types=types, defaults=defaults, survey=survey)


class Hub:
    """One site's hub. `run` serves until `stop` is set."""

    def __init__(
        self,
        settings: Settings,
        site: Site,
        clock: Clock,
        pulse: Pulse,
        *,
        types: Mapping[str, LampType],
        defaults: Defaults = NO_DEFAULTS,
        survey: Survey | None = None,
    ) -> None:
        self._settings = settings
        self._site = site
        self._types = types
        self._defaults = defaults
        self._survey = survey
        self._clock = clock
        self._time = HubTime(clock)
        self._pulse = pulse
        self._topics = Topics(settings.site_id)
        self._out = OUT if settings.hub.sink else NOBODY
        self._stream = LiveStream()
        self._routes = Routes(site)
        self._minutes = GatewayMinutes((one.id for one in site.receivers), clock)
        self._events: asyncio.Queue[Event] = asyncio.Queue(MAX_WAITING)
        self._announced: asyncio.Queue[Alert] = asyncio.Queue(MAX_WAITING)
        self._status = Status(online=True)

    async def run(self, stop: asyncio.Event, started: Callable[[], None]) -> None:
        """Calls `started` when everything is built.

        Raises StoreError where the database cannot be used: its message says what to do.
        """
        path = self._settings.state_path(self._settings.hub.database)
        async with AsyncExitStack() as stack:
            executor = stack.enter_context(ThreadPoolExecutor(1, "tracker"))
            database = await stack.enter_async_context(Database(path))
            await self._time.begin(database, self._settings.site_id)
            await database.write(self._defaults.store, at=self._clock.utc())
            registry = Registry(database, hub_key(self._settings.hub))
            await registry.refresh()
            tuning = Tuning(self._site, database, self._clock, survey=self._survey)
            await tuning.refresh()
            works = await self._build(database, registry, tuning, executor, stack)
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(work(), name=name) for name, work in works.items()]
                started()
                await stop.wait()
                for task in running:  # in the order of `works`: sources first
                    task.cancel()

    async def _build(
        self,
        database: Database,
        registry: Registry,
        tuning: Tuning,
        executor: Executor,
        stack: AsyncExitStack,
    ) -> dict[str, Work]:
        """Build the parts; returns what is to run, in the order in which it is to stop."""
        broker = self._broker()
        lights = self._lights(database, broker)
        orders = Orders(self._site, registry, database, self._clock, on_forget=lights.desk.forget)
        stepper = self._stepper(database, registry, tuning, executor)
        tags = await self._tags(database, registry, lights)
        intake = self._intake(database, registry, stepper, lights, tags)
        amender = self._amender(database, registry, tuning, executor, intake)
        nights = self._nights()
        care = StoreCare(database, self._settings.hub, self._clock, intake.record, out=OUT)
        await care.begin(self._settings.site_id)
        receiver = await self._receiver(broker, intake)
        sender = await self._uplink(broker, database, stack)
        downlinks = await self._downlinks(broker, orders, database, stack)
        counts = (
            *(self._time.counts, intake.counts, stepper.counts),
            *(amender.counts, nights.counts, tags.counts),
        )
        await stepper.resume()
        return {
            "receiver": receiver.run,
            "events": partial(self._judge_events, intake, orders),
            **tags.works(),
            "stepper": stepper.run,
            "amender": amender.run,
            "tuning": partial(tuning.follow, stepper.retune, intake.record),
            "nights": nights.run,
            "registry": partial(self._keep_registry, registry, orders),
            **care.works(),
            **lights.works(last_late_at=lambda: intake.last_late_lamps_at),
            **{f"orders for {gateway}": link.run for gateway, link in downlinks.items()},
            "gateways": partial(self._minutes.run, database, self._out),
            "sink watch": SinkWatch(database, self._clock, intake.record, out=self._out).run,
            "sender": sender.run,
            "api": partial(self._serve, database, lights),
            "integrators": partial(self._publish_alerts, broker),
            "status": partial(self._report, broker, counts),
            "broker": broker.run,
        }

    # --- the parts --------------------------------------------------------------------------------

    def _stepper(
        self, database: Database, registry: Registry, tuning: Tuning, executor: Executor
    ) -> Stepper:
        return Stepper(
            site=self._site,
            site_id=self._settings.site_id,
            database=database,
            clock=self._clock,
            registry=registry,
            tuning=tuning,
            audience=self,
            routes=self._routes,
            out=self._out,
            lateness_s=self._settings.hub.lateness_s,
            executor=executor,
            beat=partial(self._pulse.beat, "stepper"),
        )

    def _nights(self) -> Nights:
        learn = partial(learn_beside, self._settings)
        return Nights(self._settings.hub.calibration, self._clock, learn)

    def _lights(self, database: Database, broker: Broker) -> HubLights:
        return HubLights(
            self._settings,
            self._site,
            self._types,
            database=database,
            clock=self._clock,
            publisher=broker,
            out=self._out,
        )

    async def _tags(self, database: Database, registry: Registry, lights: HubLights) -> HubTags:
        tags = HubTags(
            self._settings.hub,
            self._site,
            database=database,
            clock=self._clock,
            registry=registry,
            out=self._out,
            joined=lights.sos.brighten,
            announce=partial(self._announce, lights),
            suspect=self.suspicions,
        )
        await tags.identities.begin()
        return tags

    def _intake(
        self,
        database: Database,
        registry: Registry,
        stepper: Stepper,
        lights: HubLights,
        tags: HubTags,
    ) -> Intake:
        return Intake(
            database,
            self._clock,
            registry,
            is_closed=stepper.is_closed,
            announce=partial(self._announce, lights),
            out=self._out,
            lamps=lights.intake,
            tags=tags.intake,
            joined=lights.sos.brighten,
            show=lights.telling.show,
            kept_s=self._settings.hub.retention.sightings_hours * 3_600.0,
        )

    def _amender(
        self,
        database: Database,
        registry: Registry,
        tuning: Tuning,
        executor: Executor,
        intake: Intake,
    ) -> Amender:
        return Amender(
            site=self._site,
            database=database,
            clock=self._clock,
            registry=registry,
            tuning=tuning,
            out=self._out,
            last_late_at=lambda: intake.last_late_at,
            executor=executor,
        )

    async def _serve(self, database: Database, lights: HubLights) -> None:
        known = lights_of(
            self._site,
            self._settings.hub.lights,
            self._types,
            site_id=self._settings.site_id,
            changed=lights.desk.changed,
        )
        app = create_app(
            database=database,
            clock=self._clock,
            lights=known,
            stream=self._stream,
            settings=self._settings.hub.api,
            announce=self.alerts,
            recent=self._routes.recent,
            record=lambda connection, told, at: queue_alerts(
                connection, told, now=at, out=self._out
            ),
            trouble=lambda: ", ".join(self._pulse.standing()),
        )
        await serve(app, self._settings.hub.api)

    # --- who is told what was committed -----------------------------------------------------------

    def positions(self, found: Sequence[Position]) -> None:
        """Tell those who watch."""
        for position in found:
            self._stream.position(position)

    def alerts(self, told: Sequence[Alert]) -> None:
        """Tell those who watch, and integrators."""
        for alert in told:
            self._stream.alert(alert)
            if self._announced.full():
                _log.warning("integrators are not told of an alert; the broker is slow or away")
            else:
                self._announced.put_nowait(alert)

    def suspicions(self, found: Sequence[Suspicion]) -> None:
        """Tell those who watch, with the next position."""
        for suspicion in found:
            self._stream.suspicion(suspicion)

    def _announce(self, lights: HubLights, told: Sequence[Alert]) -> None:
        """Alerts of the intake: an SOS among them has changed what lamps are to do."""
        self.alerts(told)
        if told:
            lights.desk.changed()

    async def _publish_alerts(self, broker: Broker) -> None:
        while True:
            told = alert_publication(await self._announced.get(), topics=self._topics)
            taken = False
            while not taken:
                taken = await broker.publish(told.topic, told.payload, retain=told.retain)
                if not taken:
                    await asyncio.sleep(PUBLISH_RETRY_S)

    # --- the link ---------------------------------------------------------------------------------

    def _broker(self) -> Broker:
        return Broker(
            settings=self._settings.broker,
            name=self._settings.hub.id,
            presence=Presence(
                topic=self._topics.hub_status(self._settings.hub.id),
                online=lambda: encode(self._status),
                offline=encode(Status(online=False)),
            ),
        )

    def _sender(
        self, broker: Broker, rows: OutgoingRows[Row], topic: Callable[[Lane], str]
    ) -> Sender:
        sender = Sender(
            source=rows,
            publisher=broker,
            name=self._settings.hub.id,
            topic=topic,
            clock=self._clock,
        )
        broker.on_connection(lambda up: sender.connection(up=up))
        return sender

    async def _uplink(self, broker: Broker, database: Database, stack: AsyncExitStack) -> Sender:
        """Rows for the sink."""
        hub = self._settings.hub.id
        rows = await stack.enter_async_context(OutgoingRows(database, OUT, Row))
        sender = self._sender(broker, rows, partial(self._topics.out, hub))
        await broker.subscribe(self._topics.out_receipt(hub), _payload_to(sender.receipt))
        return sender

    async def _downlinks(
        self, broker: Broker, orders: Orders, database: Database, stack: AsyncExitStack
    ) -> dict[str, Sender]:
        """Rows for each gateway that the site names."""
        links = {}
        for gateway in orders.gateways:
            queue = Queue("down", gateway)
            rows = await stack.enter_async_context(OutgoingRows(database, queue, Row))
            links[gateway] = sender = self._sender(
                broker, rows, partial(self._topics.down, gateway)
            )
            note = partial(self._note_status, gateway, sender, orders)
            await broker.subscribe(self._topics.gateway_status(gateway), note)
            receipts = self._topics.down_receipt(gateway)
            await broker.subscribe(receipts, _payload_to(sender.receipt))
        return links

    def _note_status(self, gateway: str, sender: Sender, orders: Orders, message: Message) -> None:
        sender.receiver_status(message.payload)
        status = decode_status(message.payload)
        if isinstance(status, Rejected):
            return
        self._minutes.note(gateway, status, retained=message.retained)
        if status.online:
            if not message.retained:  # it may be of long ago
                self._time.note(gateway, status)
            orders.note_instance(gateway, status.instance)

    async def _receiver(self, broker: Broker, intake: Intake) -> Receiver:
        receiver = Receiver(
            inbox=intake,
            publisher=broker,
            receipt_topic=self._topics.up_receipt,
            on_event=self._note_event,
        )

        def take(message: Message) -> None:
            address = self._topics.lane_address(message.topic)
            if address is not None and self._time.takes(address.lane):
                receiver.offer(address, message.payload)

        for lane in Lane:
            await broker.subscribe(self._topics.up(ANY, lane), take)
        return receiver

    def _note_event(self, event: Event) -> None:
        if self._events.full():
            _log.error("too many changes of gateways at once", gateway=event.sender)
        else:
            self._events.put_nowait(event)

    async def _judge_events(self, intake: Intake, orders: Orders) -> None:
        while True:
            event = await self._events.get()
            if isinstance(event, RowsLost):
                _log.warning(
                    "rows of a gateway are lost: its outbox is new, or our database was put back",
                    gateway=event.sender,
                )
                orders.forget(event.sender)
                continue
            _log.error("two gateways have one id; give one another", gateway=event.sender)
            try:
                await intake.record(TwinSeen(self._clock.utc(), event.sender))
            except StoreError as error:
                _log.error("an alert for technicians was not stored", reason=str(error))

    # --- housekeeping -----------------------------------------------------------------------------

    async def _keep_registry(self, registry: Registry, orders: Orders) -> None:
        while True:
            try:
                await registry.refresh()
                await orders.send_changes()
            except StoreError as error:
                _log.error("orders for the edges wait to be stored", reason=str(error))
            await asyncio.sleep(REFRESH_EVERY_S)

    async def _report(self, broker: Broker, counts: Sequence[Counter[str]]) -> None:
        while True:
            self._status = Status(
                online=True,
                instance=broker.instance,
                version=__version__,
                at=self._clock.utc(),
                synced=self._clock.synced(),
                unpacks=True,
                counts=dict(sum(counts, broker.counts)),
            )
            await broker.announce()
            await asyncio.sleep(STATUS_EVERY_S)


def _payload_to(take: Callable[[bytes], None]) -> Handler:
    """A handler that gives `take` a message's payload."""
    return lambda message: take(message.payload)
