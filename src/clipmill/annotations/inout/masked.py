"""What every inout backend shares: from masks over time to passages, identity images, regions.

A backend adds how the masks of an object are carried from its anchor through the clip.
"""

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.annotations.inout.derive.agreement import Agreement, compare_tracks
from clipmill.annotations.inout.derive.identity_images import (
    box_areas,
    choose_others,
    source_boxes,
)
from clipmill.annotations.inout.derive.journey import Journey
from clipmill.annotations.inout.derive.passages import lost_share, passages, stretches, uncut
from clipmill.annotations.inout.derive.references import Draft, cut_images, with_images
from clipmill.annotations.inout.derive.regions import (
    Passes,
    draw_boxes,
    entered,
    largest,
    passes_of,
    to_regions,
    without_leak,
)
from clipmill.annotations.inout.schema import InOutRow, ObjectInOut, Region
from clipmill.annotations.objects.schema import ObjectsRow
from clipmill.annotations.tracks.schema import ObjectTracks, TracksRow
from clipmill.clips import seed_for
from clipmill.errors import ClipError
from clipmill.store.codecs import (
    decode_bits,
    decode_mask,
    decode_tracks,
    encode_array,
    encode_bits,
)

if TYPE_CHECKING:
    from clipmill.video import FrameSize, VideoReader

_CANDIDATES = 3  # identity images looked at for one that is kept


class InOutConfig(BackendConfig):
    """Settings that all inout backends share."""

    long_side: int = Field(480, ge=64, description="Size of the masks, longer side in pixels.")
    back: int = Field(170, ge=0, description="Frames to look back for the entry.")
    min_box_share: float = Field(
        0.1, ge=0, le=1, description="Smallest box that counts, share of the frame."
    )
    max_invalid: float = Field(
        0.33, ge=0, le=1, description="Refuse above this share of points off the mask."
    )
    max_lost: float = Field(
        0.5, ge=0, le=1, description="Refuse above this share of frames without a mask."
    )
    off_share: float = Field(
        0.05, ge=0, le=1, description="Visible frames a point may be off the mask."
    )
    num_others: int = Field(3, ge=0, description="Further identity images.")
    tries: int = Field(2000, ge=1, description="Region boxes drawn.")
    margin: float = Field(15.0, ge=0, description="Source pixels from the points to a region.")
    mask_margin: float = Field(
        0.015, ge=0, le=0.5, description="Room between mask and region, share of the width."
    )
    num_regions: int = Field(15, ge=1, description="Regions kept, the largest.")
    inside_share: float = Field(
        0.5, gt=0, le=1, description="Part of the mask in a region that counts as inside."
    )
    min_inside: int = Field(
        8, ge=0, description="Frames the object must be inside of a region; 0 keeps all regions."
    )
    min_outside: int = Field(
        4, ge=0, description="Frames the object must be outside of such a region."
    )


@dataclass(frozen=True)
class TrackedSubject:
    """An object with its decoded tracks.

    Attributes:
        tracks: Its row entry.
        mask: `encode_mask` blob at the anchor.
        points: float32 [T, N, 2], x, y in source pixels.
        visible: bool [T, N].
        survived: bool [N].
        identity: Its number among the carried objects, if it has one.
    """

    tracks: ObjectTracks
    mask: bytes
    points: npt.NDArray[np.float32]
    visible: npt.NDArray[np.bool_]
    survived: npt.NDArray[np.bool_]
    identity: int | None = None


@dataclass(frozen=True)
class _Loaded:
    item: ClipInput
    subjects: tuple[TrackedSubject, ...]


class MaskedInOut(Backend):
    """Masks over time, entry and exit, identity images and regions of tracked objects."""

    annotation: ClassVar[str] = "inout"
    Row: ClassVar[type] = InOutRow
    reads: ClassVar[tuple[str, ...]] = ("objects", "tracks")
    unit_size: ClassVar[int] = 4
    kept_of: ClassVar[str] = "tracks"
    prompts_hidden: ClassVar[bool] = False
    """Whether masks are asked for with points that are hidden, where none is seen at the anchor."""
    config: Any

    @abstractmethod
    def follow(
        self,
        item: ClipInput,
        reader: "VideoReader",
        journeys: Sequence[Journey],
        size: "FrameSize",
    ) -> None:
        """Fill the masks of all journeys.

        Args:
            item: The clip.
            reader: Open reader of its video.
            journeys: Objects with a mask at their anchor and at least one point.
            size: Size of the masks, RGB.
        """

    def anchor_mask(
        self, subject: TrackedSubject, journey: Journey, size: tuple[int, int]
    ) -> npt.NDArray[np.bool_]:
        """Return where an object is at its anchor, bool [H, W] at source size: no region there."""
        return decode_mask(subject.mask, size=(size[1], size[0]))

    def load(self, item: ClipInput) -> _Loaded:
        """Decode tracks and masks; frames are streamed in `annotate`, to bound the memory."""
        objects: ObjectsRow = item.rows["objects"]
        tracks: TracksRow = item.rows["tracks"]
        known = {found.object_id: found for a in objects.anchors for found in a.objects}
        missing = [track.object_id for track in tracks.objects if track.object_id not in known]
        if missing:
            raise ClipError(
                f"{item.video.relative_path}: object {missing[0]} has tracks but is not in the "
                "objects row; the two come from different runs, annotate tracks again"
            )
        return _Loaded(
            item,
            tuple(
                TrackedSubject(
                    tracks=track,
                    mask=known[track.object_id].mask,
                    points=decode_tracks(track.points),
                    visible=decode_bits(track.visibility),
                    survived=decode_bits(track.survived),
                    identity=known[track.object_id].identity,
                )
                for track in tracks.objects
                if item.kept is None or track.object_id in item.kept
            ),
        )

    def annotate(self, batch: Sequence[_Loaded]) -> Sequence[InOutRow]:
        """Carry the masks and derive the rest."""
        return [self._row(loaded) for loaded in batch]

    def _row(self, loaded: _Loaded) -> InOutRow:
        from clipmill.video import FrameSize, fit_within

        if not loaded.subjects:
            return InOutRow((), 0)
        item = loaded.item
        with item.open() as reader:
            size = (reader.width, reader.height)
            work = FrameSize(*fit_within(*size, long_side=self.config.long_side))
            journeys = [_journey(s, (work.width, work.height), size) for s in loaded.subjects]
            alive = [j for j in journeys if j.mask.any() and len(j.points)]
            if alive:
                self.follow(item, reader, alive, work)
            drafts = [
                self._draft(subject, journey, size)
                for subject, journey in zip(loaded.subjects, journeys, strict=True)
            ]
            images = cut_images(item, reader, drafts)
        entries = tuple(
            with_images(draft, images, self.config.num_others) if draft.wanted else draft.entry
            for draft in drafts
        )
        return InOutRow(entries, sum(not entry.refusal for entry in entries))

    def _draft(self, subject: TrackedSubject, journey: Journey, size: tuple[int, int]) -> Draft:
        """Derive everything but the images."""
        config = self.config
        masks = [decode_mask(blob) for blob in journey.masks]
        boxes = source_boxes(masks, size=size)
        areas = box_areas(boxes)
        before = len(journey.backward)
        agreement = compare_tracks(
            masks[before:],
            journey.points,
            subject.visible,
            subject.survived,
            off_share=config.off_share,
            hidden_at_anchor=self.prompts_hidden,
        )
        counting = np.flatnonzero(areas >= max(1.0, config.min_box_share * size[0] * size[1]))
        counting = uncut(counting[counting >= before], masks)
        enter, leave = passages(masks, journey)
        regions: tuple[Region, ...] = ()
        refusal = self._refusal(agreement, counting, lost_share(masks, journey, leave))
        if not refusal:
            regions = self._regions(subject, journey, leave, size)
            refusal = "" if regions else "no_region"
        wanted: tuple[int, ...] = ()
        if not refusal:
            main = before if before in counting else int(counting[0])
            others = choose_others(
                areas,
                counting,
                main=main,
                count=_CANDIDATES * config.num_others,
                seed=seed_for(subject.tracks.object_id, "references"),
            )
            wanted = tuple(journey.first_frame + position for position in (main, *others))
        entry = ObjectInOut(
            object_id=subject.tracks.object_id,
            anchor=subject.tracks.anchor,
            first_frame=journey.first_frame,
            masks=journey.masks,
            boxes=encode_array(boxes),
            mask_confidence=agreement.confidence,
            enter_frame=enter,
            exit_frame=leave,
            stretches=encode_array(stretches(masks, journey.first_frame)),
            point_valid=encode_bits(agreement.valid),
            invalid_share=agreement.invalid_share,
            largest_share=float(areas.max(initial=0) / (size[0] * size[1])),
            refusal=refusal,
            reference=None,
            others=(),
            regions=regions,
        )
        return Draft(entry, wanted, boxes)

    def _refusal(
        self, agreement: Agreement, counting: npt.NDArray[np.int64], lost_share: float
    ) -> str:
        """Return why an object cannot serve stage 2, before regions are looked for."""
        if not agreement.on_at_anchor:
            return "lost_at_anchor"
        if not len(counting):
            return "too_small"
        if lost_share > self.config.max_lost:
            return "mask_lost"
        return "points_disagree" if agreement.invalid_share > self.config.max_invalid else ""

    def _regions(
        self, subject: TrackedSubject, journey: Journey, leave: int | None, size: tuple[int, int]
    ) -> tuple[Region, ...]:
        width, height = size
        draws = draw_boxes(
            subject.points[0, subject.survived],
            width=width,
            height=height,
            tries=self.config.tries,
            margin=self.config.margin,
            seed=seed_for(subject.tracks.object_id, "regions"),
        )
        draws = without_leak(
            draws,
            self.anchor_mask(subject, journey, size),
            margin=math.ceil(self.config.mask_margin * width),
        )
        passes = passes_of(
            draws,
            journey.forward,
            anchor=journey.anchor,
            left=leave,
            size=size,
            inside_share=self.config.inside_share,
        )
        if self.config.min_inside:
            chosen = np.flatnonzero(
                entered(
                    passes,
                    min_inside=self.config.min_inside,
                    min_outside=self.config.min_outside,
                )
            )
            draws = draws.keep(chosen)
            passes = Passes(passes.inside[:, chosen], passes.outside[:, chosen])
        kept = largest(draws, self.config.num_regions)
        passes = Passes(passes.inside[:, kept], passes.outside[:, kept])
        return to_regions(draws.keep(kept), passes, anchor=journey.anchor)


def _journey(subject: TrackedSubject, work: tuple[int, int], size: tuple[int, int]) -> Journey:
    """Bring an object to the working size."""
    scale = np.array([work[0] / size[0], work[1] / size[1]])
    return Journey(
        anchor=subject.tracks.anchor,
        mask=decode_mask(subject.mask, size=(work[1], work[0])),
        points=(subject.points + 0.5) * scale - 0.5,
        visible=subject.visible & subject.survived,
        survived=subject.survived,
        identity=subject.identity,
    )
