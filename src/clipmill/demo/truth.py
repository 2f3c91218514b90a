"""What is known of a synthetic scene, as plain records that go to JSON and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from clipmill.demo.spec import Scene

PRESENT_SHARE = 0.005
"""An object is in the picture from the frame on at which this share of it is inside."""


@dataclass(frozen=True, kw_only=True)
class SpriteTruth:
    """Path of a sprite through its shot.

    Attributes:
        name: The sprite.
        start: First frame of its shot.
        centres: x, y of its centre in the picture, one per frame of the shot.
        shares: Share of its area inside the picture, ignoring other sprites, per frame.
        enter_frame: First frame at which it is in the picture, None if it was there at `start`
            or never comes.
        exit_frame: First frame from which on it has left the picture, None if it is still there
            at the shot's end or never came.
    """

    name: str
    start: int
    centres: tuple[tuple[float, float], ...]
    shares: tuple[float, ...]
    enter_frame: int | None
    exit_frame: int | None

    @classmethod
    def from_shares(
        cls,
        *,
        name: str,
        start: int,
        centres: Sequence[tuple[float, float]],
        shares: Sequence[float],
    ) -> "SpriteTruth":
        """Build a record; entry and exit follow from the shares and `PRESENT_SHARE`."""
        present = [t for t, share in enumerate(shares) if share >= PRESENT_SHARE]
        first, last = (present[0], present[-1]) if present else (0, len(shares) - 1)
        return cls(
            name=name,
            start=start,
            centres=tuple(centres),
            shares=tuple(shares),
            enter_frame=start + first if first > 0 else None,
            exit_frame=start + last + 1 if last + 1 < len(shares) else None,
        )


@dataclass(frozen=True, kw_only=True)
class SceneTruth:
    """Everything known of a scene; its masks are drawn again from `scene` when asked for.

    Attributes:
        scene: How it was made.
        cuts: First frame of every shot but the first.
        sprites: Every sprite of every shot, shot by shot, back to front.
    """

    scene: Scene
    cuts: tuple[int, ...]
    sprites: tuple[SpriteTruth, ...]

    def sprite(self, name: str) -> SpriteTruth:
        """Return the first sprite of this name; raises KeyError when there is none."""
        for sprite in self.sprites:
            if sprite.name == name:
                return sprite
        raise KeyError(name)


_SCENE_TRUTH = TypeAdapter(SceneTruth)


def save_truth(path: Path, truth: SceneTruth) -> None:
    """Write a truth as JSON."""
    path.write_bytes(_SCENE_TRUTH.dump_json(truth, indent=1))


def load_truth(path: Path) -> SceneTruth:
    """Read a truth back; raises pydantic's ValidationError on another layout."""
    return _SCENE_TRUTH.validate_json(path.read_bytes())
