"""Peak memory of every stage on 60 seconds of 1080p, taken as one clip of 1,500 frames.

    python benchmarks/real/memory_1080p.py

Each stage runs in a process of its own (one worker), so its peak is its own. The video is made by
ffmpeg: a photograph that moves over another one.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from clipmill.config.load import profile_text
from clipmill.demo.photos import packaged_file

STAGES = ("probe", "shots", "quality", "objects", "camera", "caption", "tracks", "inout", "samples")


def make_video(path: Path) -> None:
    background = packaged_file("scikit-learn", "sklearn/datasets/images/china.jpg")
    thing = packaged_file("scikit-image", "skimage/data/coffee.png")
    scene = (
        "[0]scale=1920:1080,setsar=1[b];[1]scale=600:400[o];"
        "[b][o]overlay=x='100+600*(1-cos(n/240))':y='350+150*sin(n/150)'"
    )
    command = ["ffmpeg", "-v", "error", "-y", "-loop", "1", "-framerate", "25", "-i",
               str(background), "-loop", "1", "-framerate", "25", "-i", str(thing),
               "-filter_complex", scene, "-frames:v", "1500", "-c:v", "libx264", "-preset",
               "veryfast", "-pix_fmt", "yuv420p", str(path)]  # fmt: skip
    subprocess.run(command, check=True)


def run(arguments: list[str]) -> dict[str, object]:
    program = "from clipmill.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "run", *arguments], check=True, capture_output=True
    )
    return json.loads(done.stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_video(folder / "long.mp4")
        config = folder / "pipeline.yaml"
        config.write_text(profile_text("embedded").replace("max_frames: 500", "max_frames: 1500"))
        print(f"{'stage':<12}{'peak MiB of the worker':>24}   (bar: 1024)")
        for stage in STAGES:
            until = "training" if stage == "samples" else stage
            data = run(["-i", str(folder / "long.mp4"), "-c", str(config), "-w",
                        str(folder / "ws"), "-j", "1", "--until", until, "--json"])  # fmt: skip
            peak = int(str(data["peak_rss_bytes"])) / 2**20
            print(f"{stage:<12}{peak:>24.0f}   failed: {data['failed']}", flush=True)


if __name__ == "__main__":
    main()
