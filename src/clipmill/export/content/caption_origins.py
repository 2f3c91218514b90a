"""What an export says of where its captions are from."""

from collections.abc import Mapping

_MEANING = {
    "model": "written by the caption model of the pipeline",
    "provided": "came with the data set",
    "review": "corrected by a person",
    "template": "composed of measurements by fixed sentences, see docs/captions.md; "
    "`--captions own` leaves such samples out",
    "": "no text",
}


def caption_line(counts: Mapping[str, int]) -> str:
    """Return `captions: 3 provided, 12 template` for people.

    Args:
        counts: Samples by origin of their caption; the empty origin is no caption.
    """
    parts = [f"{count} {origin or 'without'}" for origin, count in sorted(counts.items())]
    return f"captions: {', '.join(parts)}"


def caption_section(counts: Mapping[str, int]) -> str:
    """Return a Markdown section that counts captions by origin; empty without samples."""
    if not counts:
        return ""
    lines = [
        f"- {origin or 'none'}: {count} ({_MEANING.get(origin, 'see the pipeline')})"
        for origin, count in sorted(counts.items())
    ]
    return (
        "## Captions\nSamples by `caption_origin`, which stands in every row:\n\n"
        + "\n".join(lines)
        + "\n\n"
    )
