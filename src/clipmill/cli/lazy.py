"""Commands that are imported when they are called: `clipmill --help` waits for no library."""

import importlib
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from clipmill.cli.output.verbosity import TalkingTyper


class Where(NamedTuple):
    """A command before it is loaded.

    Attributes:
        path: `module:name` of its function, or of its Typer app with commands of its own.
        summary: The first sentence of its help.
    """

    path: str
    summary: str


class _Unloaded(TyperCommand):
    """Stands in the list of commands for one that was not called yet."""

    def __init__(self, name: str, where: Where) -> None:
        super().__init__(name=name, help=where.summary)
        self._path = where.path

    def load(self) -> Any:
        """Import the command."""
        module, _, attribute = self._path.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            single = TalkingTyper(rich_markup_mode="markdown")
            single.command(self.name)(found)
            found = single
        command = get_command(found)
        command.name = self.name
        return command


class LazyGroup(TyperGroup):
    """A group whose commands stand in a table.

    Attributes:
        table: The commands by name, in the order of the help.
    """

    table: ClassVar[dict[str, Where]] = {}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, where in self.table.items():
            self.add_command(_Unloaded(name, where))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is called, and load it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, _Unloaded) else command, rest
