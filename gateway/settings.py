"""Typed settings from `gateway.toml`: frozen, unknown keys refused, errors that name file and key.

Every key may also be given by environment, `MACHIMORI__HUB__API__PORT=8080`, which wins over the
file: tests and the demo use it. Secrets are never in the file: a key ending in `_file` names a file
that holds one (systemd hands it over as a credential).
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.model import Role

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """The settings cannot be used; the message names the file, each key, and what to do."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BrokerSettings(_Section):
    """The MQTT broker that every role speaks through."""

    host: str = "127.0.0.1"
    port: Port = 1883
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class EdgeSettings(_Section):
    """One gateway on a pole. `adapters` maps a local Bluetooth adapter to the receiver it is."""

    gateway: Id = "gw-01"
    hub: Id = "hub"
    adapters: dict[str, Id] = {}
    outbox_max_mb: Annotated[int, Field(ge=8, le=100_000)] = 2_000
    receiver_timeout_s: Annotated[float, Field(gt=0)] = 90.0


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
    alerts_days: Annotated[int, Field(ge=1)] = 365


class HubSettings(_Section):
    """One site's hub. `lateness_s` is how long a second waits for its last window."""

    id: Id = "hub"
    database: Path = Path("hub.sqlite")
    lateness_s: Annotated[float, Field(ge=0, le=30)] = 1.5
    api: ApiSettings = ApiSettings()
    retention: RetentionSettings = RetentionSettings()


class InfluxSettings(_Section):
    """InfluxDB 1.x (`database`, `username`) or 2.x (`org`, `bucket`)."""

    version: Literal[1, 2] = 2
    url: str = "http://127.0.0.1:8086"
    database: str = "machimori"
    username: str = ""
    org: str = "machimori"
    bucket: str = "machimori"
    secret_file: Path | None = None


class SinkSettings(_Section):
    """The sink beside the database server."""

    hub: Id = "hub"
    influx: InfluxSettings = InfluxSettings()
    quarantine: Path = Path("quarantine.jsonl")


class ClockSettings(_Section):
    """A simulated clock, shared by the processes that are given the same numbers."""

    start: float | None = None
    anchor: float = 0.0
    rate: Annotated[float, Field(gt=0, le=1000)] = 1.0


class Settings(BaseSettings):
    """All of `gateway.toml`; `site` is relative to the file, every other path to `state_dir`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="MACHIMORI__", env_nested_delimiter="__"
    )

    site: Path = Path("site.geojson")
    site_id: Id = "iwaki"
    roles: tuple[Role, ...] = (Role.EDGE, Role.HUB, Role.SINK)
    state_dir: Path = Path("/var/lib/machimori")
    broker: BrokerSettings = BrokerSettings()
    edge: EdgeSettings = EdgeSettings()
    hub: HubSettings = HubSettings()
    sink: SinkSettings = SinkSettings()
    clock: ClockSettings = ClockSettings()

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
    data["site"] = str(file.parent / str(data["site"]))
    try:
        return Settings(**data)
    except ValidationError as error:
        lines = [_explain(file, problem) for problem in error.errors()]
        raise SettingsError("\n".join(lines)) from error


def _explain(file: Path, problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{file}: {key}: no such key. Remove it, or mend its spelling."
    return f"{file}: {key}: {problem['msg']} (got {problem['input']!r})."
