"""The caption of a sample: its largest objects and the camera, in one or a few sentences."""

from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.inout.schema import InOutRow
from clipmill.clips import seed_for
from clipmill.samples.captions.camera import CameraMoves, camera_moves
from clipmill.samples.captions.camera_words import CAMERA, camera_words, pans_with
from clipmill.samples.captions.moves import ObjectMoves, measure_moves
from clipmill.samples.captions.object_words import Told, noun_of, tell
from clipmill.samples.captions.outline import boxes_over_time
from clipmill.samples.schema import SampleRow

DESCRIBED = 3
"""Objects told of one by one; more are only counted."""

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def template_caption(
    sample: SampleRow, *, camera: CameraRow | None = None, inout: InOutRow | None = None
) -> str:
    """Compose a caption of what was measured of a sample.

    It says what its own objects do in the picture, how large and how fast they are, and what the
    camera does. Where a measure is weak it says less. The same sample gives the same words; which
    of several wordings it gets depends on its id.

    Args:
        sample: The sample, without a caption.
        camera: Camera of its clip; nothing is said of it where it is None.
        inout: Masks over time of its clip. Points and masks must agree on where an object goes;
            without masks nothing is said of its growth.
    """
    moving = camera_moves(camera, sample)
    still = moving is not None and moving.is_still
    background = None if moving is None else moving.background
    carried = {entry.object_id: entry for entry in inout.objects} if inout else {}
    objects = [
        measure_moves(
            entry,
            sample,
            boxes=boxes_over_time(carried.get(entry.object_id), sample),
            background=background,
            still=still,
        )
        for entry in sorted(sample.objects, key=lambda entry: -entry.area)
    ]
    told = _told(objects[:DESCRIBED], moving)
    clauses = [f"{item.name} {item.does}" for item in told]
    clauses += _more(len(objects) - len(told))
    view = camera_words(moving)
    if told[0].against and not view.startswith(CAMERA):
        view = ""  # the background has been told of already
    led = told[0].led
    if led is not None and pans_with(moving, led):
        view += f", following the {noun_of(objects[0])}"
    seed = seed_for("template caption", sample.sample_id)
    return " ".join(map(_sentence, _ordered(clauses, view, seed)))


def _told(objects: list[ObjectMoves], camera: CameraMoves | None) -> list[Told]:
    seen: set[str] = set()
    told = []
    for moves in objects:
        told.append(tell(moves, camera, another=moves.class_name in seen))
        seen.add(moves.class_name)
    return told


def _ordered(clauses: list[str], view: str, seed: int) -> list[str]:
    """Return the sentences in one of a few orders; what follows an object comes behind it."""
    if not view:
        return clauses
    order = seed % 3
    if order == 0 and "following" not in view:
        return [view, *clauses]
    if order == 1 and len(clauses) == 1 and _joins(clauses[0]):
        return [f"{clauses[0]} while {view}"]
    return [*clauses, view]


def _joins(clause: str) -> bool:
    """Whether a clause tells of something that goes on, in so few words that more can follow."""
    return not any(word in clause for word in (", ", " starts ", " while "))


def _more(count: int) -> list[str]:
    if not count:
        return []
    number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    return [f"{number} more {'is' if count == 1 else 'are'} in the frame"]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
