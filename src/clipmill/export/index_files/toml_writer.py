"""Configuration files of trainers that read one: musubi-tuner and diffusion-pipe."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from clipmill.export.content.timeline import allowed_count
from clipmill.export.index_files.row_counts import taken
from clipmill.export.index_files.rows import CreateText, Row, Rows, Rule
from clipmill.export.index_files.text_lists import dump

_FILES_AT_ONCE = 64


def _rate(row: Row) -> float:
    return round(float(row["fps"]), 2)


@dataclass
class _Group:
    """What a trainer must know of the videos of one frame rate, or of all."""

    counts: set[int] = field(default_factory=set)
    size: tuple[int, int] = (0, 0)

    def add(self, row: Row) -> None:
        """Take a row into account."""
        self.counts.add(allowed_count(row["num_frames"], "4n+1"))
        size = row["width"], row["height"]
        if size[0] * size[1] > self.size[0] * self.size[1]:
            self.size = size


def _groups(rows: Iterator[Row]) -> dict[float, _Group]:
    found: dict[float, _Group] = {}
    for row in rows:
        found.setdefault(_rate(row), _Group()).add(row)
    return dict(sorted(found.items()))


def write_musubi(rows: Rows, create: CreateText, rules: Mapping[str, Rule]) -> None:
    """Write a TOML file over JSON lines for each frame rate, without and with control videos.

    A dataset of musubi-tuner has one frame rate, and all of its items have a control video or
    none has.

    Args:
        rows: Rows of all pieces.
        create: Opens a file of the export.
        rules: Which pieces can be in `musubi` and in `musubi-control`.
    """
    for name, rule in rules.items():
        suffix = name.removeprefix("musubi")
        groups = _groups(taken(rows, rule))
        rates = list(groups)
        for start in range(0, len(rates), _FILES_AT_ONCE):
            with ExitStack() as stack:
                files = {
                    rate: stack.enter_context(create(f"musubi/{rate:g}fps{suffix}.jsonl"))
                    for rate in rates[start : start + _FILES_AT_ONCE]
                }
                for row in taken(rows, rule):
                    if _rate(row) in files:
                        files[_rate(row)].write(dump(_musubi_item(row, suffix)) + "\n")
        with create(f"{name}.toml") as file:
            file.write(_musubi_toml(groups, suffix))


def _musubi_item(row: Row, suffix: str) -> Row:
    item = {
        "video_path": row["video"],
        "caption": row["caption"],
        "caption_origin": row["caption_origin"],
    }
    return item | {"control_path": row["tracking"]} if suffix else item


def _musubi_toml(groups: Mapping[float, _Group], suffix: str) -> str:
    width, height = max(
        (g.size for g in groups.values()), key=lambda s: s[0] * s[1], default=(960, 544)
    )
    lines = [
        "# musubi-tuner: start it in this folder, or put its path in front of all paths.",
        "[general]",
        f"resolution = [{width}, {height}]",
        "batch_size = 1",
        "enable_bucket = true",
        "bucket_no_upscale = true",
    ]
    for rate, group in groups.items():
        lines += [
            "",
            "[[datasets]]",
            f'video_jsonl_file = "musubi/{rate:g}fps{suffix}.jsonl"',
            f'cache_directory = "cache/musubi-{rate:g}fps{suffix}"',
            f"source_fps = {rate!r}",
            'frame_extraction = "full"',
            f"max_frames = {max(group.counts)}",
        ]
    return "\n".join(lines) + "\n"


def write_diffusion_pipe(rows: Rows, create: CreateText) -> None:
    """Write a dataset file over the folder of videos."""
    group = _Group()
    for row in rows():
        group.add(row)
    width, height = group.size
    lines = [
        "# diffusion-pipe: start it in this folder, or put its path in front of `path`.",
        f"resolutions = [[{width}, {height}]]",
        "enable_ar_bucket = true",
        "min_ar = 0.5",
        "max_ar = 2.0",
        "num_ar_buckets = 7",
        "# Every number of frames that occurs, so that no frame is lost. A video goes into the",
        "# largest bucket that it fills: with large batches, leave out those that hold few videos.",
        f"frame_buckets = {sorted({1} | group.counts)}",
        "",
        "[[directory]]",
        'path = "videos"',
        "num_repeats = 1",
    ]
    with create("diffusion-pipe.toml") as file:
        file.write("\n".join(lines) + "\n")
