"""Which GPUs there are, found without initialising CUDA in this process."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
PRETEND = "CLIPMILL_GPUS"
"""Environment variable with the number of GPUs to go by, whatever there is."""

_QUERY = (
    "nvidia-smi",
    "--query-gpu=uuid,memory.total,memory.free,name",
    "--format=csv,noheader,nounits",
)
_DRIVER = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Gpu:
    """A card.

    Attributes:
        visible: Its name in `CUDA_VISIBLE_DEVICES`: a number or a UUID.
        memory: Bytes; 0 if unknown.
        free: Bytes of them that nobody uses; None if unknown.
        name: Of its kind; empty if unknown.
    """

    visible: str
    memory: int = 0
    free: int | None = None
    name: str = ""


def find_gpus(environment: Mapping[str, str] = os.environ) -> tuple[Gpu, ...]:
    """Return the GPUs that this process may use.

    `CLIPMILL_GPUS` (a number) goes first, then what `CUDA_VISIBLE_DEVICES` leaves of what the
    driver knows. A `CUDA_VISIBLE_DEVICES` with names that the driver does not list (MIG) is
    believed.
    """
    if pretended := environment.get(PRETEND, ""):
        count = int(pretended) if pretended.isdigit() else 0
        return tuple(Gpu(str(number)) for number in range(count))
    allowed = environment.get(VISIBLE)
    if allowed is None:
        return _known_to_driver()
    names = [name.strip() for name in allowed.split(",")]
    # As CUDA reads it: what follows a name that is none does not count.
    end = next((at for at, name in enumerate(names) if name in ("", "-1")), len(names))
    if not end:
        return ()
    known = {gpu.visible: gpu for gpu in _known_to_driver()}
    cards = tuple(known.values())
    return tuple(known.get(name) or _numbered(name, cards) for name in names[:end])


def _numbered(name: str, cards: Sequence[Gpu]) -> Gpu:
    """Return the card of a number, as far as it can be told.

    Numbers follow CUDA's order, which is the driver's where all cards are of one kind. Where they
    are not, the smaller one is reckoned with.
    """
    if name.isdigit() and int(name) < len(cards) and len({card.name for card in cards}) == 1:
        return replace(cards[int(name)], visible=name)
    return Gpu(name, min((card.memory for card in cards), default=0))


def _known_to_driver() -> tuple[Gpu, ...]:
    try:
        answer = subprocess.run(_QUERY, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        # A container without the tool still has what the kernel module lists.
        count = len(list(_DRIVER.iterdir())) if _DRIVER.is_dir() else 0
        return tuple(Gpu(str(number)) for number in range(count))
    rows = [line.split(",", 3) for line in answer.stdout.splitlines() if line.count(",") >= 3]
    return tuple(
        Gpu(uuid.strip(), _mebibytes(memory), _told(free), name.strip())
        for uuid, memory, free, name in rows
    )


def _mebibytes(text: str) -> int:
    """Return bytes; 0 where the driver does not tell (`[N/A]`, of cards that share memory)."""
    return int(text) << 20 if text.strip().isdigit() else 0


def _told(text: str) -> int | None:
    """Return bytes; None where the driver does not tell."""
    return _mebibytes(text) if text.strip().isdigit() else None
