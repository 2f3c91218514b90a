"""Python packages that backends import."""

import importlib.util
from collections.abc import Iterable, Iterator

from clipmill.preflight.examined import Examined
from clipmill.preflight.finding import Finding

_OWN = "clipmill"
_BROUGHT_BY = {"models": "frameino"}
"""Extras that another one brings."""


def check_packages(examined: Examined) -> Iterator[Finding]:
    """Yield the packages that the pipeline imports; one command installs all that are missing."""
    extras: dict[str, str] = {}
    for wanted in examined.wanted:
        for module in wanted.backend.wanted_modules(wanted.config):
            extras.setdefault(module, wanted.backend.needs.extra)
    here = {module: importlib.util.find_spec(module) is not None for module in extras}
    command = install_command(extras[module] for module in extras if not here[module])
    for module in sorted(extras):
        if here[module]:
            yield Finding("packages", module, "ok", "installed")
        else:
            yield Finding("packages", module, "missing", "not installed", command=command)


def install_command(extras: Iterable[str]) -> str:
    """Return the command that installs extras of clipmill; the package itself without any."""
    wanted = set(extras) - {""}
    names = ",".join(sorted(n for n in wanted if _BROUGHT_BY.get(n) not in wanted))
    return f'pip install "{_OWN}[{names}]"' if names else f"pip install {_OWN}"
