"""The truth of a video: a JSON and an npz, by people (masks, joints, cuts) or instruments (poses).

TRUTH_DIR holds `videos/NAME.mp4`, `truth/NAME.json` and `truth/NAME.npz`. Every JSON has `kind`,
`frames`, `width` and `height`; the rest depends on the kind:

| kind | JSON | npz |
| --- | --- | --- |
| davis | | `masks` uint8 [T, ceil(H W / 8)], packed bits; optional joints, see `Joints` |
| crop | `enter` or `exit` (frame), `well_seen` | `masks` |
| cuts | `cuts` (frames), `gradual` ([first, last), `dissolve` or `fade`) | |
| rooms | | `world_to_camera` float [T, 4, 4], OpenCV axes |
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Masks = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Joints:
    """Joints marked by hand in some frames.

    Attributes:
        frames: int [F], ascending.
        xy: float [F, J, 2], x, y in source pixels.
        seen: bool [F, J].
    """

    frames: npt.NDArray[np.int64]
    xy: npt.NDArray[np.float64]
    seen: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """What is true of a video; frames count from its start.

    Attributes:
        name: Name of the file without suffix.
        kind: `davis`, `crop`, `cuts` or `rooms`.
        masks: bool [T, H, W] of the moving foreground, kinds `davis` and `crop`.
        joints: Of some videos of kind `davis`.
        enter: First frame with a pixel of the object, kind `crop`.
        exit: First frame without.
        cuts: First frames of new shots, kind `cuts`.
        gradual: First and last (excluded) frame of a transition, and how it goes.
        rotations: float [T, 3, 3], world to camera, kind `rooms`.
    """

    name: str
    kind: str
    masks: Masks | None = None
    joints: Joints | None = None
    enter: int | None = None
    exit: int | None = None
    cuts: tuple[int, ...] = ()
    gradual: tuple[tuple[int, int, str], ...] = ()
    rotations: npt.NDArray[np.float64] | None = None


def truth_names(folder: Path) -> list[str]:
    """Return the names of all videos with truth, ascending.

    Raises:
        SystemExit: There are none; says what the folder must hold.
    """
    names = sorted(path.stem for path in (folder / "truth").glob("*.json"))
    if not names:
        raise SystemExit(f"{folder}: no truth/*.json; it must hold videos/ and truth/")
    return names


def load_truth(folder: Path, name: str) -> Truth:
    """Read the truth of one video."""
    said = json.loads((folder / "truth" / f"{name}.json").read_text("utf-8"))
    with np.load(folder / "truth" / f"{name}.npz") as arrays:
        return Truth(
            name=name,
            kind=said["kind"],
            masks=_masks(said, arrays),
            joints=_joints(arrays),
            enter=said.get("enter"),
            exit=said.get("exit"),
            cuts=tuple(said.get("cuts", ())),
            gradual=tuple((a, b, how) for a, b, how in said.get("gradual", ())),
            rotations=arrays["world_to_camera"][:, :3, :3] if said["kind"] == "rooms" else None,
        )


def _masks(said: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Masks | None:
    if "masks" not in arrays:
        return None
    length, height, width = said["frames"], said["height"], said["width"]
    bits = np.unpackbits(arrays["masks"], axis=1, count=height * width)
    return bits.reshape(length, height, width).astype(bool)


def _joints(arrays: Mapping[str, npt.NDArray[Any]]) -> Joints | None:
    if "joint_frames" not in arrays:
        return None
    seen = arrays["joint_seen"].astype(bool)
    return Joints(arrays["joint_frames"], arrays["joint_xy"].astype(np.float64), seen)
