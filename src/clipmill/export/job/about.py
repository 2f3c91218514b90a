"""What an export says of itself: choice, funnel, models, licences, conventions."""

from clipmill.export.containers.base import About
from clipmill.export.content.caption_origins import caption_section
from clipmill.export.content.facts.run_facts import RunFacts
from clipmill.export.content.reviews import review_section
from clipmill.export.formats.base import Format
from clipmill.export.job.plan import ExportPlan, ExportReport
from clipmill.pipeline.recorded.look import reports_of

_MEANING = """\
## Everywhere
- Pictures: origin top left, x right, y down; pixel centres at whole numbers; boxes are
  x0, y0, x1, y1, half-open.
- Frame k is shown at k / fps seconds. Frame 0 is the sample's anchor: where its objects were
  segmented and its motion begins. Frame ranges are half-open.
- Where the rate differs from the source's, each moment shows the source frame nearest in time;
  tracks, masks and poses are those of {resample}.
{colours}

{conventions}"""

_TEXT = """\
# Conventions of this data set

Written by clipmill, format `{format}`{pipeline}. {samples} samples, {pieces} pieces.

{meaning}
{captions}{judgements}## How it was made
{settings}

## Licences
The videos keep their own licences. The annotations were made with:

{licences}
{non_commercial}{left_out}"""

_RESAMPLE = {
    "shown": "the source frame that is shown, so that they lie on the picture",
    "interpolated": "the moment itself, interpolated between source frames",
}


def about_export(plan: ExportPlan, facts: RunFacts, report: ExportReport) -> About:
    """Gather what an export says of itself."""
    settings = {
        "frames": _pairs(plan.profile.model_dump(mode="json")),
        "options": _pairs(plan.format_.options.model_dump(mode="json")),
        "samples": plan.choice.samples + (f" where {plan.choice.where}" * bool(plan.choice.where)),
        "captions": plan.choice.captions,
    }
    models: dict[str, str] = {}
    funnel: tuple[tuple[str, int, int], ...] = ()
    non_commercial: tuple[str, ...] = ()
    if facts.run is not None:
        context, listing = facts.run
        models = {
            f"{stage.step.annotate} ({stage.step.backend})": _pairs(dict(stage.identity))
            for stage in context.stages.values()
        }
        funnel = tuple(
            (step.title, step.entering, step.leaving) for step in reports_of(context, listing)
        )
        non_commercial = tuple(
            dict.fromkeys(
                note for stage in context.stages.values() for note in stage.non_commercial
            )
        )
    meaning = _MEANING.format(
        resample=_RESAMPLE[plan.profile.resample],
        colours=_colours(report.copied),
        conventions=plan.format_.conventions(),
    )
    text = _TEXT.format(
        format=plan.format_.name,
        pipeline=f", pipeline `{facts.pipeline}`" if facts.pipeline else "",
        samples=report.samples,
        pieces=report.pieces,
        meaning=meaning,
        captions=caption_section(report.captions),
        judgements=review_section(report.reviewed, _where_reviews_are(plan)),
        settings="\n".join(f"- {name}: {value}" for name, value in settings.items()),
        licences="\n".join(f"- {k}: {v}" for k, v in facts.licences.items()) or "- unknown",
        non_commercial="".join(f"- not for commercial use: {note}\n" for note in non_commercial),
        left_out=_left_out(report.left_out),
    )
    return About(
        title=f"{facts.pipeline or 'clipmill'} ({plan.format_.name})",
        num_samples=report.samples,
        num_pieces=report.pieces,
        captions=report.captions,
        left_out=report.left_out,
        conventions=text,
        meaning=meaning,
        licences=facts.licences,
        non_commercial=non_commercial,
        models=models,
        funnel=funnel,
        settings=settings,
    )


def _where_reviews_are(plan: ExportPlan) -> str:
    """Shards have the rows of the pieces and no index."""
    format_ = type(plan.format_) if plan.container.has_indices else Format
    return format_.where_reviews_are


def _colours(copied: dict[str, int]) -> str:
    """Say which colours the videos have: those that were encoded, and each kind of copy."""
    lines = [
        "- Videos that were encoded are in BT.709, limited range, with square pixels, and say so.",
        "  HDR (PQ, HLG) and wide colours are brought to BT.709, fields are deinterlaced.",
    ]
    if copied:
        lines += [
            f"- {sum(copied.values())} videos are copies of their source, byte for byte, and keep",
            "  its colours, named as follows. Matrix and range that are not named were read as",
            "  those of BT.601, limited, as ffmpeg does:",
            *(f"  - {count} x {colours}" for colours, count in copied.items()),
        ]
    return "\n".join(lines)


def _pairs(values: dict[str, object]) -> str:
    return ", ".join(f"{k} {v}" for k, v in values.items() if v is not None) or "-"


def _left_out(reasons: dict[str, int]) -> str:
    if not reasons:
        return ""
    lines = [f"- {n} x `{_plain(reason)}`" for reason, n in sorted(reasons.items())]
    return "\n## Left out\n" + "\n".join(lines) + "\n"


def _plain(reason: str) -> str:
    """Reasons name files, and files may be called anything."""
    return " ".join(reason.replace("`", "'").split())
