"""From the id that a person points at to a judgement that names its content."""

from clipmill.clips import Clip
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.review.judgement import Judgement, Kind, judge_clip, judge_object


def judgement_of(
    context: Context, listing: VideoList, target: str, kind: Kind, value: str = "", *, who: str
) -> Judgement:
    """Return what a person says of a clip, a sample or an object.

    Args:
        context: Of the last run.
        listing: Its videos.
        target: `{clip_id}`, `{clip_id}-a{anchor}` or `{clip_id}-a{anchor}-o{number}`.
        kind: What is said; `drop_object` of objects only.
        value: Reason, tag, caption or note.
        who: Who says it.

    Raises:
        UsageError: There is no such thing, or a text cannot be taken; says why.
    """
    clip_id, at, anchor = target.partition("-a")
    try:
        if not listing.file_of(Clip.parse(clip_id).video_id):
            raise UsageError(f"'{target}' is of a video that the last run did not have")
        if kind == "drop_object":
            return judge_object(target, value, who=who, box=object_box(context, target))
        if "-o" in anchor:
            raise UsageError(f"'{target}' is an object: drop_object is all that is said of one")
        if at and not anchor.isdecimal():
            raise UsageError(f"'{target}' is no id of a clip, sample or object")
        return judge_clip(clip_id, kind, value, who=who, anchor=int(anchor) if at else None)
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(reason_of(error)) from error


def reason_of(error: ValueError) -> str:
    """Return what is wrong with a judgement, in one line for people."""
    text = str(error)
    lines = [line.strip() for line in text.splitlines() if "Value error, " in line]
    found = lines[0].partition("Value error, ")[2] if lines else text.splitlines()[0]
    return found.partition(" [type=")[0]


def object_box(context: Context, object_id: str) -> tuple[float, ...]:
    """Return the box of an object at its anchor; see `DetectedObject.box`.

    Raises:
        UsageError: The run has no such object.
    """
    clip_id = object_id.partition("-a")[0]
    stage = context.stages.get("objects")
    row = stage.table.read([clip_id]).get(clip_id) if stage else None
    for anchor in row.anchors if row else ():
        for found in anchor.objects:
            if found.object_id == object_id:
                return tuple(found.box)
    raise UsageError(f"'{object_id}' is no object of the last run; `clipmill why` lists them")
