"""What a person corrects: the caption of a clip as it is, and its objects."""

from clipmill.browse.site import Site
from clipmill.clips import Clip
from clipmill.errors import UsageError


def given_of(site: Site, clip: Clip) -> dict[str, object]:
    """Return the caption and the objects of a clip as the run has them.

    Returns:
        `caption`: of its first anchor that has one, or of its video. `objects`: of each `id` and
        `text` for people.

    Raises:
        UsageError: The run has no such clip.
    """
    known = site.catalogue.clip(clip.clip_id)
    stages = site.run.context.stages
    if known is None:
        raise UsageError(f"the last run has no clip {clip.clip_id}")
    rows = {
        name: row
        for name in ("caption", "objects")
        if name in stages and (row := stages[name].table.read([clip.clip_id]).get(clip.clip_id))
    }
    captions = rows["caption"].captions if "caption" in rows else ()
    # Where the samples have made the caption, there is a line for each anchor.
    made = known.caption.partition("\n")[0] if known.num_samples > 1 else known.caption
    text = next((entry.text for entry in captions if entry.text), "") or made
    anchors = rows["objects"].anchors if "objects" in rows else ()
    objects = [
        {"id": found.object_id, "text": f"{found.class_name} at frame {anchor.index} ({number})"}
        for anchor in anchors
        for number, found in enumerate(anchor.objects, 1)
    ]
    return {"caption": text, "objects": objects}
