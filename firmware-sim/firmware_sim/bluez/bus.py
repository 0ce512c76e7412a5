"""A D-Bus of our own: dbus-daemon on a socket, as long as it is wanted."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

END_S = 5.0

_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>custom</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""


@contextmanager
def private_bus(socket: Path | None = None) -> Iterator[str]:
    """The address of a D-Bus that ends with the block; it listens on `socket`, or in a folder of
    its own. Raises FileNotFoundError without dbus-daemon, OSError where it cannot listen."""
    program = shutil.which("dbus-daemon")
    if program is None:
        raise FileNotFoundError("no dbus-daemon on this machine: apt install dbus")
    with TemporaryDirectory(prefix="bluez-", ignore_cleanup_errors=True) as folder:
        config = Path(folder) / "bus.conf"
        listen = socket.absolute() if socket is not None else Path(folder) / "bus"
        listen.unlink(missing_ok=True)
        config.write_text(_CONFIG.format(socket=escape(str(listen))), encoding="utf-8")
        command = [program, f"--config-file={config}", "--nofork", "--print-address=1"]
        with (Path(folder) / "errors").open("w+", encoding="utf-8") as errors:
            daemon = subprocess.Popen(  # noqa: S603 -- found on the path, the arguments are ours
                command,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                process_group=0,  # Ctrl-C is for us: we end it when nobody needs it any more
            )
            try:
                yield _address(daemon, Path(errors.name))
            finally:
                _end(daemon)
        listen.unlink(missing_ok=True)


def _address(daemon: subprocess.Popen[str], errors: Path) -> str:
    address = daemon.stdout.readline().strip() if daemon.stdout is not None else ""
    if not address:
        raise OSError(f"dbus-daemon does not run: {errors.read_text(encoding='utf-8').strip()}")
    return address


def _end(daemon: subprocess.Popen[str]) -> None:
    daemon.terminate()
    try:
        daemon.communicate(timeout=END_S)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.communicate()
