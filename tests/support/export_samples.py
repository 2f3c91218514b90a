"""A disc on a known path as a sample, without running a pipeline."""

import functools
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from clipmill.annotations.inout.schema import IdentityImage, InOutRow, ObjectInOut, Region
from clipmill.export.content.compose import SampleInputs
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.store.codecs import encode_array, encode_bits, encode_mask, encode_tracks
from clipmill.video import index_video
from clipmill.video.writing.writer import VideoWriter

RADIUS = 20
RED = (230, 30, 40)


@dataclass(frozen=True)
class Disc:
    """A red disc over a grey ramp, at 30000/1001 frames per second."""

    width: int = 640
    height: int = 360
    num_frames: int = 120
    fps: Fraction = Fraction(30000, 1001)

    def centre(self, seconds: np.ndarray | float) -> np.ndarray:
        """x, y at a time: float64 [..., 2]."""
        t = np.asarray(seconds, float)
        x = 0.5 * self.width + 0.16 * self.width * np.sin(1.9 * t)
        y = 0.5 * self.height + 0.15 * self.height * np.cos(1.3 * t)
        return np.stack([x, y], axis=-1)

    def frame(self, number: int) -> np.ndarray:
        """uint8 [H, W, 3]."""
        ramp = np.linspace(60, 180, self.width).astype(np.uint8)
        image = np.repeat(np.tile(ramp, (self.height, 1))[:, :, None], 3, axis=2)
        x, y = self.centre(number / float(self.fps)) * 16
        cv2.circle(image, (round(x), round(y)), RADIUS * 16, RED, -1, cv2.LINE_AA, 4)
        return image

    def mask(self, number: int) -> np.ndarray:
        """bool [H, W]."""
        x, y = self.centre(number / float(self.fps))
        ys, xs = np.mgrid[: self.height, : self.width]
        return np.asarray((xs - x) ** 2 + (ys - y) ** 2 <= RADIUS**2)

    def write(self, path: Path) -> None:
        path.write_bytes(_encoded(self))

    def points(self, first: int) -> np.ndarray:
        """float32 [T, 5, 2]: the centre and four points of the disc, from a frame on."""
        offsets = np.array([[0, 0], [9, 0], [-9, 0], [0, 9], [0, -9]], float)
        times = np.arange(first, self.num_frames) / float(self.fps)
        return (self.centre(times)[:, None] + offsets).astype(np.float32)


@functools.cache
def _encoded(disc: Disc) -> bytes:
    """The file of a disc: many tests want the same."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "disc.mp4"
        with VideoWriter(path, size=(disc.width, disc.height), fps=disc.fps, crf=12) as writer:
            for number in range(disc.num_frames):
                writer.add(disc.frame(number))
        return path.read_bytes()


@functools.cache
def _masks(disc: Disc) -> tuple[bytes, ...]:
    """Those of all frames, as they are stored."""
    return tuple(encode_mask(disc.mask(number)) for number in range(disc.num_frames))


def disc_sample(
    disc: Disc,
    path: Path,
    *,
    start: int = 0,
    anchor: int = 0,
    region: tuple[int, ...] | None = None,
) -> tuple[SampleRow, SampleInputs]:
    """Write the disc to a file; return it as a sample with its facts."""
    disc.write(path)
    first = start + anchor
    points = disc.points(first)
    ok, png = cv2.imencode(".png", np.full((12, 12, 3), 200, np.uint8))
    assert ok
    box = (0, 0, 200, 100)
    image = IdentityImage(frame=anchor, box=(10, 20, 22, 32), png=png.tobytes())
    area = (box[2] - box[0]) * (box[3] - box[1])
    regions = (Region(box=box, aspect="2:1", area=area, enter_frame=anchor + 30, exit_frame=None),)
    clip_id = f"{'ab' * 8}-{start:06d}-{disc.num_frames:06d}"
    object_id = f"{clip_id}-a{anchor:05d}-o00"
    entry = SampleObject(
        object_id=object_id,
        class_name="disc",
        area=0.01,
        box=tuple(float(v) for v in (300, 160, 340, 200)),
        mask=_masks(disc)[first],
        points=encode_tracks(points),
        visibility=encode_bits(np.ones(points.shape[:2], bool)),
        motion_strength=1.0,
        motion_compensated=2.0,
        stage2=True,
        refusal="",
        enter_frame=None,
        exit_frame=None,
        reference=image,
        others=(),
        regions=regions,
    )
    row = SampleRow(
        sample_id=f"{clip_id}-a{anchor:05d}",
        clip_id=clip_id,
        video_id="ab" * 8,
        source="",
        uri=str(path),
        relative_path=path.name,
        start=start,
        end=disc.num_frames,
        anchor=anchor,
        num_frames=disc.num_frames - first,
        width=disc.width,
        height=disc.height,
        fps=float(disc.fps),
        caption="A disc.",
        caption_origin="template",
        objects=(entry,),
        num_objects=1,
        stage1=True,
        stage2=True,
        stage2_reason="",
    )
    inout = ObjectInOut(
        object_id=object_id,
        anchor=anchor,
        first_frame=0,
        masks=_masks(disc)[start:],
        boxes=encode_array(np.zeros((disc.num_frames - start, 4), np.int32)),
        mask_confidence=1.0,
        enter_frame=None,
        exit_frame=None,
        stretches=encode_array(np.zeros((0, 2), np.int32)),
        point_valid=encode_bits(np.ones(5, bool)),
        invalid_share=0.0,
        largest_share=0.1,
        refusal="",
        reference=image,
        others=(),
        regions=regions,
    )
    facts = SampleInputs(
        index=index_video(str(path))[1],
        size_bytes=path.stat().st_size,
        inout=InOutRow(objects=(inout,), num_accepted=1),
    )
    return row, facts


def red_centre(image: np.ndarray) -> np.ndarray:
    """Centre of what is red in a picture: x, y."""
    colour = image.astype(int)
    red = (colour[:, :, 0] - np.maximum(colour[:, :, 1], colour[:, :, 2])).clip(0)
    ys, xs = np.mgrid[: image.shape[0], : image.shape[1]]
    assert red.sum() > 0
    return np.array([(xs * red).sum(), (ys * red).sum()]) / red.sum()
