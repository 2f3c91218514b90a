"""A clip and copies of it, as people make them, by ffmpeg."""

from pathlib import Path

from media import ffmpeg

SOURCES = {
    "pattern": "testsrc2=size=320x180:rate=25",
    "fractal": "mandelbrot=size=320x180:rate=25:end_scale=0.02",
    "colours": "gradients=size=320x180:rate=25:seed=3:speed=0.05:nb_colors=8",
    "cells": "life=size=80x45:rate=25:seed=5:mold=9:ratio=0.2,scale=320:180:flags=neighbor",
}
"""Moving pictures that have nothing in common."""

COPIES = {
    "reencoded": ("-crf", "36", "-g", "17"),
    "scaled": ("-vf", "scale=160:90"),
    "cropped": ("-vf", "crop=iw*0.86:ih*0.84:iw*0.08:ih*0.05"),
    "trimmed": ("-ss", "0.7", "-t", "1.9"),
    "mirrored": ("-vf", "hflip"),
    "letterboxed": ("-vf", "pad=320:240:0:30"),
    "recoloured": ("-vf", "eq=brightness=0.06:contrast=1.15:saturation=0.5"),
    "slower": ("-vf", "fps=17"),
}
"""Options of ffmpeg for a kind of copy."""

_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p")


def original(path: Path, name: str, *, seconds: float = 3.0) -> Path:
    """Write one of `SOURCES`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ffmpeg("-f", "lavfi", "-i", SOURCES[name], "-t", str(seconds), *_X264, "-crf", "20", path)
    return path


def copied(source: Path, path: Path, kind: str) -> Path:
    """Write a copy of one of the kinds of `COPIES`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ffmpeg("-i", source, "-an", *_X264, "-crf", "24", *COPIES[kind], path)
    return path


def still(path: Path, *, seconds: float) -> Path:
    """Write a scene in which nothing moves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = f"{SOURCES['fractal']},select=eq(n\\,0),loop=-1:1"
    ffmpeg("-f", "lavfi", "-i", picture, "-t", str(seconds), *_X264, path)
    return path
