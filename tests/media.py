"""Real clips for tests, made by ffmpeg, and what ffmpeg itself decodes from them.

Import with `from media import make_clip`; pytest puts this folder on the path. The fixtures of
`conftest.py` (`clips`, `zoo`) cache the files for the session.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clipmill.video.writing.x264 import REPEATABLE

_REPEATABLE = tuple(part for name, value in REPEATABLE.items() for part in (f"-{name}", value))

CODECS: dict[str, tuple[str, ...]] = {
    "h264": ("-c:v", "libx264", "-preset", "veryfast", "-threads", "1", *_REPEATABLE),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:pools=1"),
    "vp8": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k"),
    "vp9": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k"),
    "av1": ("-c:v", "libsvtav1", "-preset", "12"),
    "mpeg4": ("-c:v", "mpeg4", "-q:v", "4"),
    "mpeg2": ("-c:v", "mpeg2video", "-q:v", "4"),
    "mjpeg": ("-c:v", "mjpeg", "-q:v", "4"),
    "ffv1": ("-c:v", "ffv1"),
}


def ffmpeg(*args: str | Path) -> bytes:
    """Run ffmpeg quietly and return its standard output."""
    command = ["ffmpeg", "-y", "-nostdin", "-v", "error", *map(str, args)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr.decode(errors='replace')}")
    return done.stdout


def make_clip(
    path: Path,
    *,
    codec: str = "h264",
    size: tuple[int, int] = (320, 180),
    fps: str | float = 25,
    frames: int = 50,
    pixel_format: str = "yuv420p",
    gop: int | None = None,
    extra: Sequence[str] = (),
    filters: str = "",
    audio: bool = False,
    two_pass: bool = False,
) -> Path:
    """Write a clip whose frames all differ (moving pattern, running clock) and return its path.

    Args:
        path: File to write; its ending chooses the container.
        codec: A key of `CODECS`.
        size: (width, height) in pixels.
        fps: Frames per second; a text such as `30000/1001` for a fraction.
        frames: Number of frames.
        pixel_format: e.g. `yuv420p10le`.
        gop: Distance of key frames; the encoder's own default when None.
        extra: More output options of ffmpeg.
        filters: A filter chain between source and encoder.
        audio: Add a tone.
        two_pass: Encode twice; libvpx writes alt-ref packets of their own only then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The source takes odd sizes in RGB only.
    source = f"testsrc2=size={size[0]}x{size[1]}:rate={fps}"
    if size[0] % 2 or size[1] % 2:
        source += ",format=gbrp"
    args = ["-f", "lavfi", "-i", source + (f",{filters}" if filters else "")]
    if audio:
        args += ["-f", "lavfi", "-i", "sine=frequency=440", "-shortest"]
    args += [*CODECS[codec], "-pix_fmt", pixel_format, "-frames:v", str(frames)]
    if gop is not None:
        args += ["-g", str(gop)]
    args += extra
    if two_pass:
        args += ["-passlogfile", f"{path}.log", "-pass"]
        ffmpeg(*args, "1", "-f", "null", "-")
        args += ["2"]
    ffmpeg(*args, f"file:{path}")
    return path


def copy_clip(source: Path, target: Path) -> Path:
    """Copy an MP4 file as a video of its own: the same frames, other bytes. Returns the copy."""
    note = target.name.encode()
    box = (8 + len(note)).to_bytes(4, "big") + b"free" + note
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes() + box)
    return target


def decode_all(
    path: Path, size: tuple[int, int], *, pixel_format: str = "rgb24", stream: str = "0:v:0"
) -> np.ndarray:
    """Return every frame as ffmpeg's own full decode gives it, uint8 [T, H, W, 3] or [T, H, W].

    `-vsync 0` passes frames through: no frame is doubled or dropped to even out the rate.
    """
    raw = ffmpeg(
        *("-i", f"file:{path}", "-map", stream, "-vsync", "0", "-f", "rawvideo"),
        *("-pix_fmt", pixel_format, "-"),
    )
    shape = (-1, size[1], size[0], 3) if pixel_format == "rgb24" else (-1, size[1], size[0])
    return np.frombuffer(raw, np.uint8).reshape(shape)


@dataclass(frozen=True)
class Recipe:
    """A file with one known trap.

    Attributes:
        name: File name; its ending chooses the container.
        options: Arguments of `make_clip`.
        cut: When given, the made clip is copied without re-encoding from this second on.
        copy: More options of that copy.
        size: (width, height) as displayed.
        planes: Compare decoded planes, because FFmpeg releases convert this format differently.
    """

    name: str
    options: dict[str, object]
    cut: str | None = None
    copy: tuple[str, ...] = ()
    size: tuple[int, int] = (160, 90)
    planes: bool = False

    def make(self, folder: Path) -> Path:
        """Write the file into a folder, unless it is there already."""
        path = folder / self.name
        if path.exists():
            return path
        options = {"size": (160, 90), "frames": 60, "gop": 12} | self.options
        if self.cut is None and not self.copy:
            return make_clip(path, **options)  # type: ignore[arg-type]
        whole = make_clip(folder / f"whole-{self.name}", **options)  # type: ignore[arg-type]
        start = () if self.cut is None else ("-ss", self.cut)
        ffmpeg(*start, "-i", f"file:{whole}", "-c", "copy", *self.copy, f"file:{path}")
        return path


_OPEN_GOP = ("-x264-params", "open-gop=1:keyint=12:min-keyint=12:bframes=3:b-adapt=0:scenecut=0")
_X265_OPEN = "open-gop=1:keyint=12:min-keyint=12:bframes=3:b-adapt=0:scenecut=0:log-level=none"
_ALT_REF = ("-deadline", "good", "-auto-alt-ref", "1", "-lag-in-frames", "16")
_VARIABLE = "select='not(eq(mod(n,7),3)+eq(mod(n,5),1))'"

ZOO: tuple[Recipe, ...] = (
    Recipe("h264-bframes.mp4", {"extra": ("-bf", "3")}),
    Recipe("h264-baseline.mp4", {"extra": ("-profile:v", "baseline")}),
    Recipe("h264-pyramid.mkv", {"extra": ("-bf", "8", "-x264-params", "b-pyramid=normal")}),
    Recipe("h264-open-gop.mp4", {"extra": _OPEN_GOP}),
    Recipe("h264-open-gop.ts", {"extra": _OPEN_GOP}),
    Recipe("h264-open-gop.mkv", {"extra": _OPEN_GOP}),
    Recipe("h264-open-gop-start.ts", {"extra": _OPEN_GOP}, cut="0.9"),
    Recipe("h264-open-gop-start.mkv", {"extra": _OPEN_GOP}, cut="0.9"),
    Recipe("h264-open-gop-start.mp4", {"extra": _OPEN_GOP}, cut="0.9"),
    Recipe("h264-intra-refresh.mp4", {"extra": ("-x264-params", "intra-refresh=1:keyint=12")}),
    Recipe("h264-one-key.mp4", {"gop": 1000, "extra": ("-bf", "2")}),
    Recipe("h264-10bit.mp4", {"pixel_format": "yuv420p10le"}, planes=True),
    Recipe("h264-444.mp4", {"pixel_format": "yuv444p"}),
    Recipe("h264-422.mov", {"pixel_format": "yuv422p"}),
    Recipe(
        "h264-interlaced.mp4",
        {"size": (160, 96), "extra": ("-flags", "+ilme+ildct", "-x264-params", "tff=1")},
        size=(160, 96),
        planes=True,
    ),
    Recipe("h264.flv", {"extra": ("-bf", "2")}),
    Recipe("h264-bframes.avi", {"extra": ("-bf", "2")}),
    Recipe("h264-raw.h264", {"extra": ("-bf", "2")}),
    Recipe("h264-fragmented.mp4", {"extra": ("-movflags", "frag_keyframe+empty_moov")}),
    Recipe("h264-full-range.mp4", {"filters": "scale=out_range=full", "pixel_format": "yuvj420p"}),
    Recipe(
        "h264-bt709.mp4",
        {
            "filters": "scale=out_color_matrix=bt709",
            "extra": ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        },
    ),
    Recipe("hevc-8bit.mp4", {"codec": "hevc"}),
    Recipe("hevc-10bit.mkv", {"codec": "hevc", "pixel_format": "yuv420p10le"}, planes=True),
    Recipe("hevc-open-gop.mp4", {"codec": "hevc", "extra": ("-x265-params", _X265_OPEN)}),
    Recipe("hevc-open-gop.ts", {"codec": "hevc", "extra": ("-x265-params", _X265_OPEN)}),
    Recipe("hevc-cra-start.ts", {"codec": "hevc", "extra": ("-x265-params", _X265_OPEN)}, "0.9"),
    Recipe("hevc-cra-start.mp4", {"codec": "hevc", "extra": ("-x265-params", _X265_OPEN)}, "0.9"),
    Recipe("vp9.webm", {"codec": "vp9"}),
    Recipe(
        "vp9-altref.webm",
        {"codec": "vp9", "gop": 60, "extra": _ALT_REF, "two_pass": True},
    ),
    Recipe("vp9-odd.webm", {"codec": "vp9", "size": (161, 91)}, size=(161, 91)),
    Recipe("vp8.webm", {"codec": "vp8"}),
    Recipe(
        "vp8-altref.webm",
        {"codec": "vp8", "gop": 60, "extra": _ALT_REF, "two_pass": True},
    ),
    Recipe("av1.mp4", {"codec": "av1"}),
    Recipe("av1.mkv", {"codec": "av1"}),
    Recipe("mpeg4.avi", {"codec": "mpeg4"}),
    Recipe("mpeg4-bframes.avi", {"codec": "mpeg4", "extra": ("-bf", "2")}),
    Recipe("mpeg4-bframes.mp4", {"codec": "mpeg4", "extra": ("-bf", "2")}),
    Recipe("xvid-packed.avi", {"extra": ("-c:v", "libxvid", "-bf", "2", "-q:v", "4")}),
    Recipe("mpeg2-open-gop.ts", {"codec": "mpeg2", "extra": ("-bf", "2")}),
    Recipe("mpeg2-open-gop.mpg", {"codec": "mpeg2", "extra": ("-bf", "2")}),
    Recipe("mjpeg.avi", {"codec": "mjpeg"}),
    Recipe("ntsc.mkv", {"fps": "30000/1001"}),
    Recipe("variable.mp4", {"filters": _VARIABLE, "extra": ("-vsync", "vfr", "-bf", "2")}),
    Recipe("variable.mkv", {"filters": _VARIABLE, "extra": ("-vsync", "vfr", "-bf", "2")}),
    Recipe("edit-list.mp4", {"extra": ("-bf", "2")}, cut="0.7"),
    Recipe("edit-list-open-gop.mp4", {"extra": _OPEN_GOP}, cut="0.7"),
    Recipe("cut.ts", {"extra": ("-bf", "2")}, cut="0.7"),
    Recipe("h264.ts", {"extra": ("-bf", "2"), "audio": True}),
    # The names count clockwise, as players turn the picture; the tag counts the other way.
    Recipe("rotated-90.mp4", {}, copy=("-metadata:s:v", "rotate=270"), size=(90, 160)),
    Recipe("rotated-180.mp4", {}, copy=("-metadata:s:v", "rotate=180")),
    Recipe("rotated-270.mp4", {}, copy=("-metadata:s:v", "rotate=90"), size=(90, 160)),
    Recipe("h264-odd.mp4", {"size": (161, 91), "pixel_format": "yuv444p"}, size=(161, 91)),
    Recipe("one-frame.mp4", {"frames": 1}),
)
"""Containers and codecs, each with something that has made a reader of frames go wrong."""
