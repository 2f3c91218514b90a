"""Which samples are exported: ready for the stage, met by `--where`, up to `--limit`."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from clipmill.choice import Condition, parse_where, plain_column
from clipmill.errors import UsageError
from clipmill.export.content.facts.run_facts import RunFacts, why_outdated
from clipmill.export.content.text import exported_text
from clipmill.samples.table import sample_parts
from clipmill.store.records import to_dict
from clipmill.store.workspace import Workspace

COLUMNS = (
    "sample_id",
    "clip_id",
    "video_id",
    "source",
    "relative_path",
    "anchor",
    "num_frames",
    "width",
    "height",
    "fps",
    "caption",
    "caption_origin",
    "num_objects",
    "stage1",
    "stage2",
)
"""Columns of samples that `--where` may name, besides the scores."""


REVIEW = ("review.star", "review.tag", "review.notes", "review.verdict")
"""What people said, as `--where` writes it; `review.tag == 'x'` holds where any tag is x."""

_REVIEWED = {plain_column(name): name.partition(".")[2] for name in REVIEW}

_INPUTS = ("uri", "given")
"""Columns that tell which inputs a sample was built from."""

Captions = Literal["all", "own"]
"""`own`: texts of the data set or of a model; `all`: also templates and samples without a text."""


@dataclass(frozen=True)
class SampleFilter:
    """Which samples to take.

    Attributes:
        samples: Name of the sample set.
        stage: Training stage they must be ready for.
        where: `column op value [and ...]` over columns of samples and scores of clips
            (`quality_clarity`); empty for all.
        limit: At most this many; None for all.
        captions: Which captions samples may have. The others are left out: a trainer would learn
            from a template, or from no text, without a word.
    """

    samples: str = "training"
    stage: int = 1
    where: str = ""
    limit: int | None = None
    captions: Captions = "all"


@dataclass(frozen=True)
class ChosenSamples:
    """What was chosen.

    Attributes:
        ids: Samples that meet the choice, in the order of the workspace.
        left_out: Those of them that are left out for their caption, and why.
        outdated: Those of them that the last run would not make again, and why.
        reviewed: Those of them of which people said something.
    """

    ids: tuple[str, ...]
    left_out: dict[str, str]
    outdated: dict[str, str]
    reviewed: frozenset[str]

    @property
    def taken(self) -> tuple[str, ...]:
        """Samples to export, in order."""
        out = {*self.left_out, *self.outdated}
        return tuple(sample for sample in self.ids if sample not in out)

    def refuse_nothing(self, choice: SampleFilter) -> None:
        """Refuse a choice that takes no sample: an export without samples is of no use.

        Raises:
            UsageError: Says which part of the choice leaves nothing.
        """
        if self.taken:
            return
        if self.ids:
            reasons = Counter(self.left_out.values())
            told = ", ".join(f"{count} x {why}" for why, count in sorted(reasons.items()))
            raise UsageError(
                f"--captions own leaves out all {len(self.ids)} samples ({told}); "
                "--captions all exports them. Nothing was written"
            )
        where = f" and meets --where '{choice.where}'" if choice.where else ""
        raise UsageError(
            f"no sample of '{choice.samples}' is ready for stage {choice.stage}{where}; "
            "`clipmill status` shows what became of the clips. Nothing was written"
        )


def choose_samples(workspace: Workspace, choice: SampleFilter, facts: RunFacts) -> ChosenSamples:
    """Return the samples of a choice; the limit counts those that are not left out.

    Raises:
        UsageError: There are no samples, or all of them are of other inputs than the last run's,
            or `where` cannot be read or names an unknown column.
    """
    parts = sample_parts(workspace, choice.samples)
    if not parts:
        raise UsageError(
            f"{workspace.root} has no samples called '{choice.samples}'; `clipmill run` writes "
            "them in its last step"
        )
    conditions = parse_where(choice.where)
    scores = {plain_column(name): at for at, name in enumerate(facts.score_names)}
    _check(conditions, scores)
    found: list[str] = []
    left_out: dict[str, str] = {}
    outdated: dict[str, str] = {}
    reviewed: set[str] = set()
    for row in _heads(workspace, parts, facts):
        if choice.limit is not None and len(found) - len(left_out) - len(outdated) >= choice.limit:
            break
        if row[f"stage{choice.stage}"] and _met(conditions, row, facts, scores):
            found.append(row["sample_id"])
            if row["review"] is not None:
                reviewed.add(row["sample_id"])
            why = why_outdated(facts, clip_id=row["clip_id"], uri=row["uri"], given=row["given"])
            if why:
                outdated[row["sample_id"]] = why
            elif choice.captions == "own" and (reason := _not_own(row)):
                left_out[row["sample_id"]] = reason
    if outdated and len(outdated) == len(found):
        raise UsageError(
            f"none of the {len(found)} samples called '{choice.samples}' in {workspace.root} "
            f"holds any more, the first because {next(iter(outdated.values()))}. Nothing was "
            "written; `clipmill run` builds the samples again"
        )
    return ChosenSamples(tuple(found), left_out, outdated, frozenset(reviewed))


def _not_own(row: Mapping[str, Any]) -> str:
    """Return why the caption of a sample is not its own; empty when it is."""
    if row["caption_origin"] == "template":
        return "its caption is a template"
    return "" if exported_text(row["caption"]).strip() else "it has no caption"


def _heads(workspace: Workspace, parts: list[str], facts: RunFacts) -> Iterator[dict[str, Any]]:
    for part in parts:
        table = workspace.read_table(part, columns=[*COLUMNS, *_INPUTS])
        for row in table.to_pylist() if table is not None else ():
            review = facts.review_of(row["clip_id"])
            yield row | {"review": None if review is None else to_dict(review)}


def _check(conditions: tuple[Condition, ...], scores: Mapping[str, int]) -> None:
    for condition in conditions:
        if condition.column not in {*COLUMNS, *_REVIEWED, *scores}:
            raise UsageError(
                f"--where: samples have no column '{condition.column}'; there are: "
                f"{', '.join((*COLUMNS, *REVIEW, *scores))}"
            )


def _met(
    conditions: tuple[Condition, ...],
    row: Mapping[str, Any],
    facts: RunFacts,
    scores: Mapping[str, int],
) -> bool:
    for condition in conditions:
        if condition.column in _REVIEWED:
            if not _reviewed(condition, row.get("review") or {}):
                return False
            continue
        if condition.column in scores:
            values = facts.scores.get(row["clip_id"])
            value = None if values is None else values[scores[condition.column]]
        else:
            value = row[condition.column]
        if value is None or not condition.holds(_cell(value)):
            return False
    return True


def _reviewed(condition: Condition, review: Mapping[str, Any]) -> bool:
    """Tell whether what people said meets a condition; nobody said anything of most samples."""
    name = _REVIEWED[condition.column]
    if name == "tag":
        tags = review.get("tags") or []
        if condition.op == "!=":
            return all(condition.holds(tag) for tag in tags)
        return any(condition.holds(tag) for tag in tags)
    empty = {"star": False, "notes": 0, "verdict": ""}
    return condition.holds(_cell(review.get(name, empty[name])))


def _cell(value: Any) -> str:
    """Truth values read as 1 and 0."""
    return str(int(value)) if isinstance(value, bool) else str(value)
