"""The command line: one explicit, ordered tuple of commands; one module a command or group.

Only the module of the command that was asked for is imported, so `machimori --help` is quick and
`machimori check` needs no web server. Help names the others by the line that stands here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer

from gateway import __version__
from gateway.model import UnusableError


@dataclass(frozen=True, slots=True)
class Command:
    """`path` is what people type ("user add"); `function` of `module` does it."""

    path: str
    module: str
    function: str
    summary: str

    def load(self) -> Callable[..., Any]:
        """The function itself; its module is imported here."""
        function: Callable[..., Any] = getattr(import_module(self.module), self.function)
        return function


COMMANDS = (
    Command("run", "gateway.cli.run", "run", "Start the roles that the configuration names."),
    Command("demo", "gateway.cli.demo", "demo", "Watch a simulated town, page and all."),
    Command("check", "gateway.cli.check", "check", "Validate the settings and the site."),
    Command("doctor", "gateway.cli.doctor", "doctor", "Say what is wrong here, and what to do."),
    Command("scan", "gateway.cli.scan", "scan", "Watch live what the receivers hear."),
    Command("backup", "gateway.cli.backup", "backup", "Copy the hub's database while it runs."),
    Command("restore", "gateway.cli.backup", "restore", "Put a copy back; the hub is stopped."),
    Command("user add", "gateway.cli.user", "add", "Add a person who may log in."),
    Command("key new", "gateway.cli.key", "new", "Make the key that tags' keys are kept under."),
    Command("tag add", "gateway.cli.tag", "add", "Add a tag, and who carries it."),
    Command("tag disable", "gateway.cli.tag", "disable", "Follow a lost tag no longer."),
    Command("tag enable", "gateway.cli.tag", "enable", "Follow a tag that was found again."),
    Command("influx setup", "gateway.cli.influx", "setup", "Make what the sink writes to."),
    Command("locate", "gateway.cli.locate", "locate", "Run the hub's code over a recording."),
    Command("report", "gateway.cli.report", "report", "Judge an installation by a recording."),
    Command("calibration list", "gateway.cli.calibration", "list_all", "List what nights taught."),
    Command("calibration show", "gateway.cli.calibration", "show", "Show what one night taught."),
    Command("calibration undo", "gateway.cli.calibration", "undo", "Undo the last calibration."),
    Command("calibration run", "gateway.cli.calibration", "run", "Calibrate receivers now."),
    Command("lamp list", "gateway.cli.lamp", "list_all", "List lamps and their state."),
    Command("lamp show", "gateway.cli.lamp", "show", "Show all that is known of a lamp."),
    Command("lamp explain", "gateway.cli.lamp", "explain", "Say what it does tonight, and why."),
    Command("lamp set", "gateway.cli.lamp_command", "set_level", "Set lamps to a level."),
    Command("lamp blink", "gateway.cli.lamp_command", "blink", "Let lamps blink, to be found."),
    Command("lamp scan", "gateway.cli.lamp_scan", "scan", "Find the lamps of a serial line."),
    Command("survey walk", "gateway.cli.survey", "walk", "Make a survey of a walk with a tag."),
    Command("survey show", "gateway.cli.survey", "show", "Say what a survey is worth."),
)
_GROUPS = {
    "user": "People who may log in.",
    "key": "The hub's own key.",
    "tag": "Tags and their carriers.",
    "influx": "The sink's InfluxDB.",
    "calibration": "What was learned of the receivers.",
    "lamp": "The streetlights.",
    "survey": "Radio maps.",
}


def build(arguments: Sequence[str]) -> typer.Typer:
    """The command line for `arguments`: the command that they ask for is loaded, others named."""
    app = typer.Typer(
        name="machimori",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback(help="Machimori: the edge gateway of a smart town.")(_options)
    groups: dict[str, typer.Typer] = {"": app}
    asked = next((word for word in arguments if not word.startswith("-")), "")
    for command in COMMANDS:
        group, _, name = command.path.rpartition(" ")
        if group not in groups:
            groups[group] = typer.Typer(no_args_is_help=True)
            app.add_typer(groups[group], name=group, help=_GROUPS[group])
        wanted = command.path.split(" ")[0] == asked
        function = command.load() if wanted else _only_named
        summary = None if wanted else command.summary
        groups[group].command(name, help=summary)(function)
    return app


def run_command_line(arguments: Sequence[str]) -> int:
    """Do what `arguments` ask; the exit code. An UnusableError is told without a traceback."""
    try:
        build(arguments)(args=list(arguments))
    except UnusableError as error:
        typer.echo(str(error), err=True)
        return error.exit_code
    except SystemExit as leaving:  # how typer ends, also when all went well
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    return 0


def _only_named() -> None:
    """Stands in a help page for a command that was not asked for."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"machimori {__version__}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options of the program itself, before a command."""
