"""Files that a collection of videos holds although no video comes of them."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np


def zero_bytes(path: Path, _whole: Path) -> None:
    """Write an empty file."""
    path.write_bytes(b"")


def text_named_mp4(path: Path, _whole: Path) -> None:
    """Write what a failed download leaves behind."""
    path.write_text("<html><body><h1>404 Not Found</h1></body></html>\n" * 40, encoding="utf-8")


def no_index(path: Path, whole: Path) -> None:
    """Cut an mp4 whose index comes last: nothing in it can be read."""
    data = whole.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])


def ends_early(path: Path, whole: Path) -> None:
    """Cut an mp4 whose index comes first: it announces frames that are not there."""
    options = {"movflags": "faststart"}
    with av.open(str(whole)) as source, av.open(str(path), "w", options=options) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])


def audio_only(path: Path, _whole: Path) -> None:
    """Write an mp4 with a tone and no picture."""
    rate, count = 44100, 44100 * 4
    tone = (0.2 * np.sin(np.arange(count) * 2 * np.pi * 440 / rate)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


FILES: dict[str, tuple[str, str, Callable[[Path, Path], None]]] = {
    "broken_zero_bytes.mp4": ("an empty file", "unreadable", zero_bytes),
    "broken_text.mp4": ("a web page named .mp4", "unreadable", text_named_mp4),
    "broken_no_index.mp4": ("an mp4 cut before its index", "unreadable", no_index),
    "broken_ends_early.mp4": (
        "an mp4 that announces more frames than it has",
        "too_few_frames",
        ends_early,
    ),
    "broken_audio_only.mp4": ("a tone without a picture", "unreadable", audio_only),
}
"""File name -> (what it is, why the basic selection drops it, writer). A writer gets the path to
write and a whole clip to spoil."""
