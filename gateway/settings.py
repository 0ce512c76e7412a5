"""Typed settings from `gateway.toml`: frozen, unknown keys refused, errors that name file and key.

Every key may also be given by environment, `MACHIMORI__HUB__API__PORT=8080`, which wins over the
file: tests and the demo use it. Secrets are never in the file: a key ending in `_file` names a file
that holds one, by its whole path (systemd hands it over as a credential).
"""

import json
import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentProblem

from gateway.model import ID_PATTERN, Role, UnusableError

ENV_PREFIX = "MACHIMORI__"
ENV_DELIMITER = "__"
SERVICE_CONFIG = Path("/etc/machimori/gateway.toml")

Id = Annotated[str, Field(pattern=ID_PATTERN)]
Port = Annotated[int, Field(ge=1, le=65535)]


def _whole(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("write the whole path, from / on")
    return path


def _known(time_zone: str) -> str:
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("no such time zone is known here; give one like Asia/Tokyo") from error
    return time_zone


File = Annotated[Path, AfterValidator(_whole)]
TimeZone = Annotated[str, AfterValidator(_known)]


class SettingsError(UnusableError):
    """The settings cannot be used; the message names the file, each key, and what to do."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BrokerSettings(_Section):
    """The MQTT broker that every role speaks through."""

    host: str = "127.0.0.1"
    port: Port = 1883
    username: str = ""
    password_file: File | None = None
    ca_file: File | None = None
    cert_file: File | None = None
    key_file: File | None = None

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both, or neither")
        if self.cert_file is not None and self.ca_file is None:
            raise ValueError("cert_file needs ca_file, which proves the broker in turn")
        if self.username and self.password_file is None:
            raise ValueError("username needs password_file")
        return self


class BusSettings(_Section):
    """One RS-485 line with lamps. `device` is the adapter, best by /dev/serial/by-id/….

    `timeout_s` is how long an answer may take to begin; `quiet_s` is how long the line is left
    alone after one that did not come: an answer that comes later than both would be another's.
    """

    device: Annotated[str, Field(min_length=1)]
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 19200
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    timeout_s: Annotated[float, Field(gt=0, le=5)] = 0.1
    quiet_s: Annotated[float, Field(ge=0, le=5)] = 0.3


class EdgeSettings(_Section):
    """One gateway on a pole. `adapters` maps a local Bluetooth adapter to the receiver it is.

    `buses` maps the name of a serial line, as the site's lamps name it, to where it is. A lamp's
    node that hears nobody for `lamp_watchdog_s` goes its own way.
    """

    gateway: Id = "gw-01"
    hub: Id = "hub"
    adapters: dict[str, Id] = {}
    outbox: Path = Path("outbox.sqlite")
    outbox_max_mb: Annotated[int, Field(ge=8, le=100_000)] = 2_000
    receiver_timeout_s: Annotated[float, Field(gt=0)] = 150.0
    buses: dict[Id, BusSettings] = {}
    lamp_watchdog_s: Annotated[float, Field(ge=2, le=65_535)] = 120.0


class ApiSettings(_Section):
    """Where the hub serves the API and the page."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    cookie_secure: bool = True
    session_hours: Annotated[int, Field(ge=1, le=24 * 90)] = 24 * 14


class RetentionSettings(_Section):
    """How long the hub keeps what it stored."""

    sightings_hours: Annotated[int, Field(ge=1)] = 24
    positions_days: Annotated[int, Field(ge=1)] = 2
    routes_days: Annotated[int, Field(ge=1)] = 30
    lamp_readings_days: Annotated[int, Field(ge=1)] = 7
    energy_days: Annotated[int, Field(ge=1)] = 800
    alerts_days: Annotated[int, Field(ge=1)] = 365


class BackupSettings(_Section):
    """Where `machimori backup` puts its copies, and how many of them are kept."""

    folder: Path = Path("backups")
    keep: Annotated[int, Field(ge=1)] = 2


class CalibrationSettings(_Section):
    """When the receivers are calibrated: `nightly`, at `hour` by the clocks of `time_zone`."""

    nightly: bool = True
    hour: Annotated[int, Field(ge=0, le=23)] = 3
    time_zone: TimeZone = "Asia/Tokyo"


class LightSettings(_Section):
    """What the lamps' programs and figures go by.

    `co2_kg_per_kwh` is of the electricity that the town buys (Tohoku Electric Power 2023: 0.402).
    """

    time_zone: TimeZone = "Asia/Tokyo"
    co2_kg_per_kwh: Annotated[float, Field(ge=0)] = 0.402
    sos_radius_m: Annotated[float, Field(ge=0, le=1_000)] = 60.0
    sos_minutes: Annotated[float, Field(gt=0, le=240)] = 15.0


class HubSettings(_Section):
    """One site's hub. `lateness_s` is how long a second waits for its last window.

    `key_file` holds the key under which those of tags are kept. `sink`: whether there is one,
    on any machine; where there is none nothing is kept for it. Of rows that wait for the sink
    beyond `out_max_mb` the oldest are dropped, and a gap says so.
    """

    id: Id = "hub"
    database: Path = Path("hub.sqlite")
    key_file: File | None = None
    lateness_s: Annotated[float, Field(ge=0, le=30)] = 1.5
    sink: bool = True
    out_max_mb: Annotated[int, Field(ge=8, le=100_000)] = 1_000
    api: ApiSettings = ApiSettings()
    retention: RetentionSettings = RetentionSettings()
    backup: BackupSettings = BackupSettings()
    calibration: CalibrationSettings = CalibrationSettings()
    lights: LightSettings = LightSettings()


class InfluxSettings(_Section):
    """InfluxDB 1.x (`database`, `username`) or 2.x (`org`, `bucket`).

    `retention_days` is what `machimori influx setup` gives the database or bucket: by default that
    of the hub's routes.
    """

    version: Literal[1, 2] = 2
    url: str = "http://127.0.0.1:8086"
    database: Annotated[str, Field(min_length=1)] = "machimori"
    username: str = ""
    org: Annotated[str, Field(min_length=1)] = "machimori"
    bucket: Annotated[str, Field(min_length=1)] = "machimori"
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 30
    secret_file: File | None = None


class SinkSettings(_Section):
    """The sink beside the database server.

    The `quarantine` and the file of its older lines have at most `quarantine_max_mb` together.
    """

    hub: Id = "hub"
    influx: InfluxSettings = InfluxSettings()
    quarantine: Path = Path("quarantine.jsonl")
    quarantine_max_mb: Annotated[int, Field(ge=1, le=100_000)] = 100


class ClockSettings(_Section):
    """A simulated clock, shared by the processes that are given the same numbers."""

    start: float | None = None
    anchor: float = 0.0
    rate: Annotated[float, Field(gt=0, le=1000)] = 1.0


class Settings(BaseSettings):
    """All of `gateway.toml`; `site`, `survey` and `lamps` are relative to the file.

    `lamps` is the folder of the register maps and of the kinds of luminaires.

    What is written is relative to `state_dir`.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENV_PREFIX, env_nested_delimiter=ENV_DELIMITER
    )

    site: Path = Path("site.geojson")
    survey: Path | None = None
    lamps: Path = Path("lamps")
    site_id: Id = "iwaki"
    roles: tuple[Role, ...] = (Role.EDGE, Role.HUB, Role.SINK)
    state_dir: Path = Path("/var/lib/machimori")
    broker: BrokerSettings = BrokerSettings()
    edge: EdgeSettings = EdgeSettings()
    hub: HubSettings = HubSettings()
    sink: SinkSettings = SinkSettings()
    clock: ClockSettings = ClockSettings()

    @field_validator("roles")
    @classmethod
    def _some_role(cls, roles: tuple[Role, ...]) -> tuple[Role, ...]:
        if not roles:
            raise ValueError("names no role: give edge, hub or sink, or several")
        return roles

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file; nothing else is a source."""
        return env_settings, init_settings

    def state_path(self, path: Path) -> Path:
        """`path` itself where absolute, else under `state_dir`."""
        return self.state_dir / path


def config_dir() -> Path:
    """The configuration that ships with Machimori: in the wheel, or the checkout's `config/`."""
    shipped = Path(__file__).with_name("_config")
    return shipped if shipped.is_dir() else Path(__file__).parent.parent / "config"


def default_config_file() -> Path:
    """The service's configuration where this machine has one, else the one that ships."""
    return SERVICE_CONFIG if SERVICE_CONFIG.is_file() else config_dir() / "gateway.toml"


def load_settings(file: Path) -> Settings:
    """Read `file`. Raises SettingsError with one line per wrong key."""
    try:
        data: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{file}: cannot be read ({error.strerror}). Give another with --config."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: is not TOML: {error}. Mend that line.") from error
    data.setdefault("site", "site.geojson")
    data.setdefault("lamps", str(config_dir() / "lamps"))
    for key in ("site", "survey", "lamps"):
        if isinstance(data.get(key), str):
            data[key] = str(file.parent / data[key])
    strangers = _unknown_variables(os.environ)
    try:
        settings = Settings(**data)
    except ValidationError as error:
        lines = [_explain(file, problem) for problem in error.errors()]
        raise SettingsError("\n".join([*lines, *strangers])) from error
    except EnvironmentProblem as error:
        raise SettingsError(
            f"environment: {ENV_PREFIX}…: {error}. Write lists and sections as JSON."
        ) from error
    if strangers:
        raise SettingsError("\n".join(strangers))
    return settings


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables that give another process these settings, whatever its file says."""
    return {
        ENV_PREFIX + key.upper(): value if isinstance(value, str) else json.dumps(value)
        for key, value in settings.model_dump(mode="json", exclude_none=True).items()
    }


def _explain(file: Path, problem: ErrorDetails) -> str:
    """One line; a key that the environment gives is named by its variable."""
    path = tuple(str(part) for part in problem["loc"])
    variable = ENV_PREFIX + ENV_DELIMITER.join(path).upper()
    given = {name.upper() for name in os.environ}
    place = f"environment: {variable}" if variable in given else f"{file}: {'.'.join(path)}"
    if problem["type"] == "extra_forbidden":
        return f"{place}: no such key.{_guess(path)} Remove it, or mend its spelling."
    message = problem["msg"].removeprefix("Value error, ")
    if isinstance(problem["input"], Mapping):
        return f"{place}: {message}. Mend that section."
    return f"{place}: {message} (got {problem['input']!r}). Mend that value."


def _guess(path: tuple[str, ...]) -> str:
    section: Any = Settings
    for part in path[:-1]:
        section = section.model_fields[part].annotation
    near = get_close_matches(path[-1], section.model_fields, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A line for each variable with our prefix that names no key at all."""
    names = (name for name in environment if name.upper().startswith(ENV_PREFIX))
    first = {name: name[len(ENV_PREFIX) :].lower().split(ENV_DELIMITER)[0] for name in names}
    return [
        f"environment: {name}: no such key.{_guess((key,))} Unset it, or mend its spelling."
        for name, key in first.items()
        if key not in Settings.model_fields
    ]
