"""The command line: thin Typer commands over the packages below."""

from clipmill.cli.app import main

__all__ = ["main"]
