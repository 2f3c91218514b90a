"""How fast the page of a very long clip is in a real browser: to open it, to step, to jump.

    python benchmarks/scale/clip_page.py VIDEO [--frames 12000] [--folder DIR]

repeats a video, without encoding it again, until it has so many frames, runs a pipeline of `probe`
alone, starts the real server and opens the clip's page in Chromium. Times are taken in the page:
from the navigation to the first frame with its number, and to the first part of the preview; from a
key to the frame that it asks for, also over the border of two parts; and from a jump to its frame.
Each round opens a page whose previews have not been made. Bars: first frame < 1 s, a step < 0.1 s.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))
from chromium_page import ChromiumPage
from population import clipmill

from browse import cpu_of, served

PIPELINE = """
name: long
steps:
  - annotate: probe
"""
ROUNDS = 3
STEPS = 60
LOOKED_AT = 2000
"""Milliseconds that somebody looks at the first frame before the first key."""

JUMPS = (9000, 2500, 11000, 6200, 400)

WATCH = """
window.seen = [];
new MutationObserver(() => {
  const { frame } = document.documentElement.dataset;
  if (frame !== undefined && window.seen.at(-1)?.[1] !== frame)
    window.seen.push([performance.now(), frame]);
}).observe(document, { attributes: true, subtree: true, attributeFilter: ["data-frame"] });
"""
"""Notes when which frame is in the picture; put into the page before its own scripts."""

ASK = """(async (frame, ask) => {
  window.seen = [];
  const began = performance.now();
  ask();
  while (window.seen.at(-1)?.[1] !== String(frame)) await new Promise(requestAnimationFrame);
  return window.seen.find(([, shown]) => shown === String(frame))[0] - began;
})"""


def long_video(source: Path, folder: Path, frames: int) -> None:
    """Repeat a video until it has so many frames."""
    (folder / "videos").mkdir(parents=True)
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-stream_loop",
        "-1",
        "-i",
        str(source),
        "-an",
        "-c",
        "copy",
    ]
    command += ["-frames:v", str(frames), str(folder / "videos" / "long.mp4")]
    subprocess.run(command, check=True)


def make_workspace(source: Path, folder: Path, frames: int) -> None:
    """Make the video and run over it."""
    long_video(source, folder, frames)
    (folder / "pipeline.yaml").write_text(PIPELINE)
    words = ["--config", str(folder / "pipeline.yaml"), "--input", str(folder / "videos")]
    subprocess.run(clipmill("run", *words, "--workspace", str(folder / "ws")), check=True)


def ask(page: ChromiumPage, frame: int, how: str) -> float:
    """Return the milliseconds until a frame that was asked for is in the picture."""
    return float(page.evaluate(f"{ASK}({frame}, () => {{ {how} }})"))


def key(name: str) -> str:
    event = f"new KeyboardEvent('keydown', {{ key: '{name}', bubbles: true }})"
    return f"document.body.dispatchEvent({event})"


def one_round(address: str, clip: str, *, start: int) -> dict[str, list[float]]:
    """Open the page at a frame, step over the next border of two parts and back, and jump."""
    with ChromiumPage(address) as page:
        page.wait_for("document.readyState === 'complete'")
        page._call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        page.evaluate(f"void (location.href = '/clip/{clip}?frame={start}')")
        page.wait_for("window.seen?.length && document.documentElement.dataset.open")
        first = page.evaluate("window.seen[0][0]")
        whole = "[...document.querySelectorAll('#stage video')].some((v) => v.readyState > 1)"
        page.wait_for(f"{whole} && document.querySelector('#waiting').hidden")
        took: dict[str, list[float]] = {"first frame": [first]}
        took["part there"] = [page.evaluate("performance.now()")]
        page.evaluate(f"new Promise((done) => setTimeout(done, {LOOKED_AT}))")
        forward = range(start + 1, start + 1 + STEPS)
        took["step on"] = [ask(page, frame, key("ArrowRight")) for frame in forward]
        back = reversed(range(start, start + STEPS))
        took["step back"] = [ask(page, frame, key("ArrowLeft")) for frame in back]
        field = "const f = document.querySelector('#seek'); f.value = {}; "
        field += "f.dispatchEvent(new Event('input'))"
        took["jump"] = [ask(page, frame, field.format(frame)) for frame in JUMPS]
        return took


def measure(folder: Path) -> None:
    """Print the times of some rounds."""
    with served(folder / "ws") as (port, cookie, process):
        token = cookie.partition("=")[2]
        address = f"http://127.0.0.1:{port}/?token={token}"
        with ChromiumPage(address.replace("/?", "/clips.json?")) as page:
            page.wait_for("document.body.innerText.startsWith('{')")
            clip = json.loads(page.evaluate("document.body.innerText"))["clips"][0]["clip_id"]
        every: dict[str, list[float]] = {}
        for number in range(ROUNDS):
            shutil.rmtree(folder / "ws" / "browse", ignore_errors=True)
            start = 240 * (3 + 7 * number) - STEPS // 2
            for name, took in one_round(address, clip, start=start).items():
                every.setdefault(name, []).extend(took)
        for name, took in every.items():
            slow = f"slowest {max(took):7.0f} ms"
            print(f"{name:<12} median {statistics.median(took):7.0f} ms, {slow}, of {len(took)}")
        print(f"CPU of the server {cpu_of(process):.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--frames", type=int, default=12_000)
    parser.add_argument("--folder", type=Path, help="keep files here, and use them again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        if not (folder / "ws").exists():
            make_workspace(options.video, folder, options.frames)
        measure(folder)


if __name__ == "__main__":
    main()
