"""What `clipmill browse` costs over very many clips.

    python benchmarks/scale/browse.py [--clips 100000] [--folder DIR]

makes a workspace of so many clips (files are links to one small real video, rows are written by
`made_up.py`, verdicts by a real run), starts the real server in a process of its own and asks it as
a browser does. Every view is asked for three times with other values: the first time reads the
number from the disk, which is told apart. Bars: first page < 1 s, a filter or sort < 0.3 s, server
< 800 MB for 100,000; each answer < 3 s for 1,000,000.
"""

import argparse
import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from made_up import FRAMES, OfKeys, make
from population import clipmill, spend

from clipmill.annotations.objects.schema import ObjectsRow
from clipmill.store.records import schema_of
from clipmill.video import probe_video
from clipmill.video.writing.writer import VideoWriter

OBJECTS_PER_CLIP = 2
WORDS = re.findall(
    "[a-z]+",
    "a man woman dog cat red blue car walks runs turns slowly past in front of the house tree "
    "camera river street night rain snow child holds throws ball bicycle rides towards beach",
)

VIEWS = {
    "first page": ["", "", ""],
    "facet": ["state=dropped", "step=quality selection", "state=kept"],
    "range at clip level": [f"quality.clarity={low}.." for low in (100, 300, 500)],
    "range at object level": [f"objects.area={low}.." for low in (0.1, 0.5, 0.9)],
    "two ranges and a facet": [
        f"state=kept&camera.rotation=..{high}&quality.text_area=..0.{high}" for high in (2, 3, 4)
    ],
    "sort by a number": ["sort=-quality.clarity", "sort=quality.clarity", "sort=-camera.zoom"],
    "sort by objects": ["sort=-objects.area", "sort=objects.area", "sort=-objects.motion"],
    "date of the run": ["run.date=..2099-12-31", "run.date=2026-01-01..", "sort=-run.date"],
    "sort by path": ["sort=path", "sort=-path", "sort=-path&state=kept"],
    "words of captions": ["q=bicycle rides", "q=dog", "caption=red&q=night"],
    "words of paths": ["path=0042", "path=v00001", "path=9.mp4"],
    "last page": ["page=999999", "page=999999&state=kept", "page=999999&sort=-quality.clarity"],
}


def make_video(path: Path) -> bytes:
    """Write a small real video and return its bytes."""
    with VideoWriter(path, size=(320, 180), fps=Fraction(25)) as writer:
        for number in range(FRAMES):
            picture = np.full((180, 320, 3), 40, np.uint8)
            picture[60:120, 2 * number : 2 * number + 60] = (220, 120, 40)
            writer.add(picture)
    return path.read_bytes()


def _captions(random: np.random.Generator, keys: pa.Array) -> pa.Array:
    words = pa.array(WORDS).take(pa.array(random.integers(0, len(WORDS), 16 * len(keys))))
    offsets = pa.array(np.arange(0, 16 * len(keys) + 1, 16))
    texts = pc.binary_join(pa.LargeListArray.from_arrays(offsets, words), " ")
    anchors = pa.array(np.zeros(len(keys), np.int64))
    rows = pa.StructArray.from_arrays([anchors, texts], ["anchor", "text"])
    return pa.ListArray.from_arrays(pa.array(np.arange(len(keys) + 1, dtype=np.int32)), rows)


def _anchors(random: np.random.Generator, keys: pa.Array) -> pa.Array:
    """One anchor per clip with two objects, without masks and points."""
    kind = schema_of(ObjectsRow).field("anchors").type
    count = OBJECTS_PER_CLIP * len(keys)
    owner = pa.array(np.repeat(np.arange(len(keys)), OBJECTS_PER_CLIP))
    number = pa.array(np.tile(np.arange(OBJECTS_PER_CLIP), len(keys))).cast(pa.string())
    ids = pc.binary_join_element_wise(keys.take(owner), "-a00000-o0", number, "")
    zeros = pa.array(np.zeros(count, np.int8))
    plain = {"string": "object", "binary": b"", "int64": 0, "list<item: double>": [0.0] * 4}
    entry = kind.value_type.field("objects").type.value_type
    columns = []
    for field in entry:
        if field.name == "object_id":
            columns.append(ids)
        elif str(field.type) == "double":
            columns.append(pa.array(random.random(count)))
        else:
            columns.append(pa.array([plain[str(field.type)]], field.type).take(zeros))
    objects = pa.StructArray.from_arrays(columns, fields=list(entry))
    steps = np.arange(len(keys) + 1, dtype=np.int32)
    per_anchor = pa.ListArray.from_arrays(pa.array(steps * OBJECTS_PER_CLIP), objects)
    index = pa.array(np.zeros(len(keys), np.int64))
    anchors = pa.StructArray.from_arrays([index, per_anchor], ["index", "objects"])
    return pa.ListArray.from_arrays(pa.array(steps), anchors)


def _same(value: bytes) -> OfKeys:
    return lambda _, keys: pa.array([value]).take(pa.array(np.zeros(len(keys), np.int8)))


def make_workspace(folder: Path, count: int) -> None:
    """Make videos and rows, and run once for the verdicts."""
    folder.mkdir(parents=True, exist_ok=True)
    video = make_video(folder / "one.mp4")
    index = probe_video(str(folder / "one.mp4")).index.to_bytes()
    own: dict[str, OfKeys] = {
        "probe.index": _same(index),
        "caption.captions": _captions,
        "objects.anchors": _anchors,
    }
    make(folder, count, content=lambda _: video, own=own)
    run = ["run", "--config", str(folder / "pipeline.yaml"), "--workspace", str(folder / "ws")]
    spend(clipmill(*run), say="a run for the verdicts")


@contextmanager
def served(workspace: Path) -> Iterator[tuple[int, str, int]]:
    """Start the server; give its port, its cookie and its process."""
    words = ["browse", "-w", str(workspace), "--port", "0", "--no-open"]
    began = time.monotonic()
    child = subprocess.Popen(clipmill(*words), stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        text = ""
        while not (match := re.search(r"http://127\.0\.0\.1:\S+", text)):
            line = child.stdout.readline()
            if not line:
                raise SystemExit(f"the server ended: {text}")
            text += line
        print(f"{'server started':<28}{time.monotonic() - began:8.2f} s", flush=True)
        address = urlsplit(match[0])
        assert address.port is not None
        token = address.query.partition("token=")[2]
        yield address.port, f"clipmill-{address.port}={token}", child.pid
    finally:
        child.terminate()
        child.wait()


def ask(port: int, cookie: str, process: int, path: str) -> tuple[float, float]:
    """Return the seconds until an answer was there, and CPU seconds of the server."""
    spent = cpu_of(process)
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    began = time.monotonic()
    link.request("GET", path.replace(" ", "%20"), headers={"Cookie": cookie})
    answer = link.getresponse()
    answer.read()
    took = time.monotonic() - began
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status}")
    return took, cpu_of(process) - spent


def cpu_of(process: int) -> float:
    """Return the CPU seconds that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process: int, name: str) -> int:
    """Return MiB of a process: `VmRSS` now, `VmHWM` at its most."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+)", status)[1]) >> 10  # type: ignore[index]


def measure(workspace: Path, show: Callable[[str], None]) -> None:
    """Ask a server for every view."""
    with served(workspace) as (port, cookie, process):
        for name, queries in ({"home page": None} | VIEWS).items():
            paths = ["/"] if queries is None else [f"/clips?{query}" for query in queries]
            took = [ask(port, cookie, process, path) for path in paths]
            (wall, cpu), rest = took[0], took[1:] or took
            again = [statistics.median(column) for column in zip(*rest, strict=True)]
            show(
                f"{name:<28}{wall:7.2f} s ({cpu:.2f} CPU) first, "
                f"{again[0]:6.2f} s ({again[1]:.2f} CPU) then"
            )
        show(f"{'CPU of the server in all':<28}{cpu_of(process):7.2f} s")
        now, most = resident(process, "VmRSS"), resident(process, "VmHWM")
        show(f"{'memory of the server':<28}{now:6d} MiB, {most} MiB at its most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="keep files here, and use them again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        if not (folder / "pipeline.yaml").exists():
            make_workspace(folder, options.clips)
        measure(folder / "ws", lambda line: print(line, flush=True))


if __name__ == "__main__":
    sys.exit(main())
