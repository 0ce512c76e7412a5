"""Whether InfluxDB answers, and lets the sink write; nothing is written to find out."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.cli.doctor_words import Mark, Verdict, ill, well
from gateway.outputs.influx import may_write, secret_of
from gateway.settings import InfluxSettings, SettingsError

INFLUX_S = 5.0


def influx_verdicts(influx: InfluxSettings) -> Iterator[Verdict]:
    """What answers there; and, where that is InfluxDB, whether the sink's secret may write."""
    answers = _ping_verdict(influx.url)
    yield answers
    if answers.mark is not Mark.WELL:
        return
    try:
        problem = may_write(influx, secret=secret_of(influx))
    except SettingsError as error:
        yield ill("InfluxDB", str(error), "run as root, or as the service's user")
        return
    if problem is None:
        yield well("InfluxDB", "the sink may write")
    else:
        remedy = "mend that; `machimori influx setup` makes what is missing"
        yield ill("InfluxDB", f"the sink may not write: {problem.advice}", remedy)


def _ping_verdict(url: str) -> Verdict:
    """1.x and 2.x have the same /ping."""
    address = urlsplit(url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=INFLUX_S)
    try:
        connection.request("GET", f"{address.path.rstrip('/')}/ping")
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        remedy = "start InfluxDB, or mend sink.influx.url; the hub keeps all until then"
        return ill("InfluxDB", f"{url} is not reached ({error})", remedy)
    finally:
        connection.close()
    if answer.status not in (200, 204):
        remedy = "mend sink.influx.url: that is something else, or a proxy before it"
        return ill("InfluxDB", f"{url} answers {answer.status}", remedy)
    return well("InfluxDB", f"{url} answers, version {answer.headers.get('X-Influxdb-Version')}")
