"""What a doctor sees through the broker: hub and gateway by their own word, remote receivers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.cli.doctor_words import Verdict, duration, ill, well, worrying
from gateway.link.envelope import Status, decode_status
from gateway.link.glance import NotReachedError, glance
from gateway.link.topics import Message, Topics
from gateway.model import Advert, ReceiverSource, Rejected, Role
from gateway.settings import BrokerSettings, Settings
from gateway.tags import espresense
from gateway.tags.remote import RemoteReceivers
from gateway.tags.reported import Alive, Gone, Heard

LOOK_S = 4.0
STALE_S = 45.0  # a status comes every 10 s
CLOCKS_APART_S = 2.0
LONG_WAIT_S = 300.0
_NTP = "set both machines' clocks by a time server (timedatectl)"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who keeps a status at the broker."""

    part: str
    service: str
    topic: str


@dataclass(frozen=True, slots=True)
class RoomSetting:
    """A number that an ESPresense keeps at the broker; above `most` it is unfit for tags."""

    receiver: str
    most: float
    unit: str
    words: str

    def judge(self, payload: bytes) -> str:
        """What is wrong and what to do, or "" where it is fit, or no number."""
        try:
            value = float(payload)
        except ValueError:
            return ""
        return self.words.format(f"{value:g} {self.unit}") if value > self.most else ""


_ROOM_LIMITS = (
    (
        "max_distance",
        0.0,
        "m",
        "it passes on nobody whom it takes to be beyond {}: set max_distance to 0",
    ),
    ("skip_ms", 1_000.0, "ms", "it tells of each tag only every {}: set skip_ms to 1000 or less"),
)


async def broker_verdicts(
    settings: Settings, sources: Sequence[ReceiverSource], *, now: float, seconds: float = LOOK_S
) -> list[Verdict]:
    """The broker itself, and what it keeps of those that this machine works with."""
    remote = RemoteReceivers(sources)
    speakers = speakers_of(settings)
    rooms = room_settings(sources)
    filters = (*(speaker.topic for speaker in speakers), *remote.topic_filters(), *rooms)
    try:
        seen = await glance(settings.broker, filters, seconds=seconds)
    except NotReachedError as error:
        return [not_reached(settings.broker, str(error))]
    where = f"{settings.broker.host}:{settings.broker.port}"
    verdicts = [
        ill("broker", f"{where} refuses to let us read {one}", "allow it in the broker's ACL")
        for one in seen.refused
    ]
    verdicts = verdicts or [well("broker", f"{where} lets us in")]
    for speaker in speakers:
        said = seen.messages.get(speaker.topic)
        payload = None if said is None else said.payload
        verdicts += status_verdicts(speaker, payload, now=now + seconds)
    verdicts += receiver_verdicts(remote, seen.messages, rooms, now=now)
    return verdicts


def speakers_of(settings: Settings) -> tuple[Speaker, ...]:
    """The hub, and the gateway of this machine where it is one."""
    topics = Topics(settings.site_id)
    hub = settings.hub.id if Role.HUB in settings.roles else settings.edge.hub
    if settings.roles == (Role.SINK,):
        hub = settings.sink.hub
    speakers = [Speaker(f"hub {hub}", "machimori-hub", topics.hub_status(hub))]
    if Role.EDGE in settings.roles:
        gateway = settings.edge.gateway
        topic = topics.gateway_status(gateway)
        speakers.append(Speaker(f"gateway {gateway}", "machimori-edge", topic))
    return tuple(speakers)


def not_reached(broker: BrokerSettings, reason: str) -> Verdict:
    """Why the broker does not let us in, as far as its own word tells."""
    what = f"{broker.host}:{broker.port} is not reached ({reason})"
    lower = reason.lower()
    if "not authori" in lower or "bad user name" in lower:
        remedy = "it does not know us: mend username and password_file, or cert_file and key_file"
    elif "certificate" in lower or "ssl" in lower:
        remedy = "see ca_file, cert_file and key_file, the port, and this machine's clock"
    elif "refused" in lower:
        remedy = "nobody listens there: systemctl status mosquitto, or mend broker.host and port"
    else:
        remedy = "mend broker.host and port, and see to the network; port 8883 wants certificates"
    return ill("broker", what, remedy)


def status_verdicts(speaker: Speaker, payload: bytes | None, *, now: float) -> Iterator[Verdict]:
    """What hub or gateway last said of itself; `payload` is None where nothing is kept."""
    part, start = speaker.part, f"systemctl status {speaker.service} where it runs"
    status = Rejected("") if payload is None else decode_status(payload)
    if isinstance(status, Rejected):
        what = "never said anything here" if payload is None else "its status cannot be read"
        yield ill(part, what, f"{start}; site_id and ids must be the same there; see the ACL")
        return
    if not status.online:
        yield ill(part, "is not connected to the broker", start)
        return
    age_s = now - status.at
    if age_s < -CLOCKS_APART_S:
        what = f"its clock is {duration(-age_s)} ahead of this machine's"
        yield ill(part, what, _NTP)
    elif age_s > STALE_S:
        what = f"says nothing since {duration(age_s)}, or the clocks are so far apart"
        yield worrying(part, what, f"{start}; {_NTP}")
    else:
        yield well(part, f"online, version {status.version}, said so {age_s:.0f} s ago")
    yield from _complaints(part, status)


def _complaints(part: str, status: Status) -> Iterator[Verdict]:
    """What is wrong by its own word."""
    if not status.synced:
        yield ill(part, "its clock is not set", "timedatectl set-ntp true, there")
    if status.outbox_oldest_s > LONG_WAIT_S:
        waits = duration(status.outbox_oldest_s)
        what = f"{status.outbox_rows} rows wait, the oldest for {waits}"
        yield worrying(part, what, "see broker and hub; nothing is lost meanwhile")
    for name, problem in status.problems.items():
        what, _, remedy = problem.removeprefix(f"bus {name}: ").partition(": ")
        yield ill(f"{part}, {name}", what, remedy)
    for name, adapter in status.adapters.items():
        if adapter.problem:
            yield ill(f"{part}, adapter {name}", adapter.problem, adapter.remedy)
        elif adapter.state != "scanning":
            yield worrying(f"{part}, adapter {name}", adapter.state, "look again in a minute")
        else:
            what = f"hears {adapter.adverts_per_s:.1f} adverts/s as {adapter.receiver}"
            yield well(f"{part}, adapter {name}", what)


def receiver_verdicts(
    remote: RemoteReceivers,
    messages: Mapping[str, Message],
    settings: Mapping[str, RoomSetting],
    *,
    now: float,
) -> Iterator[Verdict]:
    """Remote receivers: last wills, settings under which tags are not heard, and who is mute."""
    gone: set[str] = set()
    spoke: set[str] = set()
    unfit: dict[str, str] = {}
    for message in messages.values():
        if message.topic in settings:
            setting = settings[message.topic]
            spoke.add(setting.receiver)
            if words := setting.judge(message.payload):
                unfit[setting.receiver] = words
            continue
        match remote.parse(message.topic, message.payload, now):
            case Gone(receiver):
                gone.add(receiver)
            case Alive(receiver=receiver) | Heard(advert=Advert(receiver=receiver)):
                spoke.add(receiver)
    unfit |= remote.unfit
    for receiver in sorted(remote.receivers):
        part = f"receiver {receiver}"
        if receiver in gone:
            yield ill(part, "said farewell to the broker", "see to its power and its Wi-Fi")
        elif receiver in unfit:
            what, _, remedy = unfit[receiver].partition(": ")
            yield ill(part, what, remedy)
        elif receiver in spoke:
            yield well(part, "is there")
        else:
            what = "nothing of it is kept, and it said nothing just now"
            yield worrying(part, what, "see its topic on the site, its power, and the ACL")


def room_settings(sources: Sequence[ReceiverSource]) -> dict[str, RoomSetting]:
    """What ESPresense keeps at the broker of its settings, and we need of it, by topic.

    Source: ESPresense's src/BleFingerprint.cpp (report) and BleFingerprintCollection.cpp (Command).
    """
    found = {}
    for source in sources:
        if source.format == "espresense":
            rooms = (one for one in espresense.topics(source.topic) if one.endswith("/status"))
            for room in rooms:
                for name, limit, unit, words in _ROOM_LIMITS:
                    topic = f"{room.removesuffix('/status')}/{name}"
                    found[topic] = RoomSetting(source.receiver, limit, unit, words)
    return found
