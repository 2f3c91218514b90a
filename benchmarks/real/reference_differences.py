"""What is computed otherwise than the published scripts do on purpose, and how much that matters.

    python benchmarks/real/reference_differences.py VIDEO [VIDEO ...]

Nothing is downloaded. VGGT4Track runs at a reduced size with weights by formula, so its poses mean
nothing; how far another scaling of the frames moves them does. Needs `ffmpeg` for the published way
of decoding. The figures are in docs/reference.md.
"""

import itertools
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from golden_weights import GOLDENS, filled, manifest_shapes  # noqa: E402

from clipmill.annotations.camera.rotation import angle_of, rotation_matrix  # noqa: E402
from clipmill.annotations.quality.measures import formulas  # noqa: E402
from clipmill.models.vggt4track import pose  # noqa: E402
from clipmill.models.vggt4track.config import VGGTConfig  # noqa: E402
from clipmill.models.vggt4track.model import VGGT4Track  # noqa: E402
from clipmill.models.vggt4track.preprocess import crop_rows, input_size, resize  # noqa: E402
from clipmill.store.codecs import decode_mask, encode_mask  # noqa: E402
from clipmill.video import FrameSize, VideoReader  # noqa: E402

REDUCED = VGGTConfig(
    width=384, depth=4, heads=16, patch_depth=3, patch_heads=6, camera_depth=2, camera_heads=16
)
STEP, SAMPLES = 3, 8

Frames = npt.NDArray[np.uint8]


def reduced_network() -> VGGT4Track:
    """Return VGGT4Track at a reduced size, as the golden files have it."""
    network = VGGT4Track(REDUCED).eval()
    stored = filled(manifest_shapes(GOLDENS / "vggt4track_reduced.manifest.json"))
    wanted = network.state_dict()
    network.load_state_dict({key: torch.from_numpy(stored[key]) for key in wanted})
    return network


def scaling(video: Path, network: VGGT4Track) -> str:
    """Compare `area` with `bicubic`: pixels, and poses of neighbouring samples."""
    with VideoReader(str(video)) as reader:
        count = min(len(reader.index.seconds), STEP * SAMPLES)
        whole = FrameSize(reader.width, reader.height)
        width, height = input_size(reader.width, reader.height)
        sizes = {"area": FrameSize(width, height), "whole": whole}
        seen = list(reader.stream(0, count, sizes=sizes, step=STEP))
    area = np.stack([frame.images["area"][crop_rows(height)] for frame in seen])
    native = torch.from_numpy(np.stack([frame.images["whole"] for frame in seen]))
    bicubic = resize(native.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    gap = area.astype(float) - bicubic
    (turn, travel), (published_turn, published_travel) = (
        cameras(network, frames) for frames in (area, bicubic)
    )
    return (
        f"scaling {video.name} {whole.width}x{whole.height}: mean |area - bicubic| "
        f"{np.abs(gap).mean():.2f} levels, PSNR {10 * np.log10(255**2 / (gap**2).mean()):.1f} dB; "
        f"rotation {turn / published_turn - 1:+.2%}, "
        f"translation {travel / published_travel - 1:+.2%}"
    )


def cameras(network: VGGT4Track, frames: Frames) -> tuple[float, float]:
    """Return the published scores, means over neighbours: of degrees, and of distance."""
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        encoding = network(pixels[None])[0].double()
    poses = np.linalg.inv(pose.world_to_camera(encoding).numpy())
    pairs = list(itertools.pairwise(poses))
    turns = [angle_of(a[:3, :3].T @ b[:3, :3]) for a, b in pairs]
    travels = [float(np.linalg.norm(b[:3, 3] - a[:3, 3])) for a, b in pairs]
    return float(np.mean(turns)), float(np.mean(travels))


def clarity(video: Path) -> str:
    """Compare clarity with the published way: ffmpeg's RGB, a PNG, OpenCV's grey of that."""
    with VideoReader(str(video)) as reader:
        (frame,) = reader.frames([0])
    ours = formulas.clarity(formulas.grey_of(frame))
    greyed = formulas.clarity(grey_of_png(frame))
    told = ["ffmpeg", "-v", "error", "-i", str(video), "-frames:v", "1", "-pix_fmt", "rgb24"]
    piped = subprocess.run([*told, "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    theirs = formulas.clarity(grey_of_png(np.frombuffer(piped, np.uint8).reshape(frame.shape)))
    return (
        f"clarity {video.name}: {ours:.2f}; grey by way of a PNG {greyed:.2f}, "
        f"decoded by ffmpeg too {theirs:.2f}"
    )


def grey_of_png(frame: Frames) -> Frames:
    """Return what OpenCV reads as grey from a PNG of a frame [H, W, 3], RGB."""
    _, stored = cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE), np.uint8)


def rotation(degrees: float) -> str:
    """Compare angles of small turns, of float32 poses: arccos of the trace, as published."""
    draws = np.random.default_rng(0)
    found: list[tuple[float, float]] = []
    for _ in range(2000):
        axis = draws.normal(size=3)
        turn = rotation_matrix(np.radians(degrees) * axis / np.linalg.norm(axis))
        first = rotation_matrix(draws.normal(size=3)).astype(np.float32).astype(float)
        second = (first @ turn).astype(np.float32).astype(float)
        between = first.T @ second
        cosine = np.clip((np.trace(between) - 1) / 2, -1, 1)
        found.append((float(np.degrees(np.arccos(cosine))), angle_of(between)))
    published, ours = np.array(found).T
    return (
        f"rotation by {degrees} degrees: "
        f"published {published.mean():.4f} +- {published.std():.4f}, "
        f"clipmill {ours.mean():.4f} +- {ours.std():.4f}"
    )


def sam2_masks(width: int, height: int) -> str:
    """Compare masks from 256 x 256 logits at source size with those that go by way of 1024."""
    rows, columns = np.mgrid[0:256, 0:256] / 256
    draws = np.random.default_rng(0)
    overlaps = []
    for _ in range(50):
        x, y = draws.uniform(0.3, 0.7, 2)
        a, b = draws.uniform(0.08, 0.3, 2)
        bump = 0.15 * np.sin(7 * np.arctan2(rows - y, columns - x))
        inside = 1 + bump - np.hypot((columns - x) / a, (rows - y) / b)
        logits = torch.from_numpy(20 * inside).float()[None, None]
        theirs = (scaled(logits, (height, width)) > 0).numpy()
        scale = 1024 / max(width, height)
        work = (round(height * scale), round(width * scale))
        blob = encode_mask((scaled(logits, work) > 0).numpy())
        ours = decode_mask(blob, size=(height, width))
        overlaps.append((theirs & ours).sum() / (theirs | ours).sum())
    return (
        f"SAM 2 masks at {width}x{height}: IoU of those kept at 1024 pixels with those at source "
        f"size {np.mean(overlaps):.4f}, least {np.min(overlaps):.4f}"
    )


def scaled(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return logits [1, 1, h, w] at another size, [H, W]."""
    return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)[0, 0]


def main(videos: list[Path]) -> None:
    """Print a line for each measurement."""
    network = reduced_network()
    for video in videos:
        print(scaling(video, network), flush=True)
    for video in videos:
        print(clarity(video), flush=True)
    for degrees in (0.003, 0.01, 0.03, 0.1, 1.0):
        print(rotation(degrees), flush=True)
    for width, height in ((854, 480), (1280, 720), (1920, 1080)):
        print(sam2_masks(width, height), flush=True)


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
