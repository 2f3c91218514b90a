"""The plain folder and its indices, read as each trainer reads them."""

import json
import tomllib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pytest

from clipmill.export.containers.tree import FolderContainer
from clipmill.export.content.compose import SampleInputs, compose
from clipmill.export.content.profile import PROFILES, FrameProfile
from clipmill.export.content.timeline import expected_count
from clipmill.export.formats.plain import Plain, PlainOptions
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.export.job.verify import verify_export
from clipmill.samples.schema import SampleRow
from clipmill.samples.table import read_samples
from clipmill.store.codecs import decode_bits, decode_tracks
from clipmill.store.records import schema_of, to_dict
from clipmill.store.workspace import Workspace
from clipmill.video import index_video

CAPTIONS = (
    'Two\nlines and "quotes", a \\ backslash\r\nand a tab\t.',
    "word " * 2_000 + "end",
    "  ",
    "Schnee \u2028 am 雪 Berg, it's {cold} # really",
)


def frames_in(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def json_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_bytes().decode("utf-8").split("\n")[:-1]]


def filled_lines(path: Path) -> list[str]:
    """As the readers of line files do it: lines that hold something."""
    with path.open(encoding="utf-8") as file:
        return [line.strip() for line in file.readlines() if line.strip()]


def key_of(path: str) -> str:
    return Path(path).stem


@pytest.fixture(scope="module")
def samples(workspace) -> dict[str, SampleRow]:
    """The samples under captions that break careless writers; one is blank."""
    rows = list(read_samples(workspace))
    captions = [*CAPTIONS, *(row.caption for row in rows[len(CAPTIONS) :])]
    return {
        row.sample_id: replace(row, caption=caption)
        for row, caption in zip(rows, captions, strict=True)
    }


@pytest.fixture(scope="module")
def hostile(samples, tmp_path_factory) -> Workspace:
    made = Workspace.open(tmp_path_factory.mktemp("hostile") / "workspace", create=True)
    rows = [to_dict(row) for row in samples.values()]
    table = pa.Table.from_pylist(rows, schema=schema_of(SampleRow))
    made.write_table("samples/training/part-00000.parquet", table)
    return made


@pytest.fixture(scope="module")
def exported(hostile, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("plain") / "out"
    run_export(hostile, out, ExportPlan(Plain(PlainOptions()), FolderContainer))
    assert not verify_export(out).problems
    return out


@pytest.fixture(scope="module")
def for_ltx(workspace, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("ltx") / "out"
    profile = PROFILES["ltx"].model_copy(update={"max_frames": 97})
    run_export(workspace, out, ExportPlan(Plain(PlainOptions()), FolderContainer, profile=profile))
    return out


def counts(out: Path) -> dict:
    return json.loads((out / "indices.json").read_text())


def test_captions_lie_beside_their_videos(exported, samples):
    """diffusion-pipe, musubi-tuner by folder: every file that is no caption is a video."""
    found = {path.stem for path in (exported / "videos").iterdir() if path.suffix != ".txt"}
    assert found == set(samples)
    for key, sample in samples.items():
        text = (exported / "videos" / f"{key}.txt").read_bytes().decode("utf-8")
        assert text == sample.caption
        assert len(frames_in(exported / "videos" / f"{key}.mp4")) == sample.num_frames
    assert all(path.is_file() for path in (exported / "videos").iterdir()), "one flat folder"


def test_prompts_do_not_slide_against_videos(exported, samples):
    prompts, videos, tracks = (
        filled_lines(exported / name) for name in ("prompt.txt", "videos.txt", "trackings.txt")
    )
    wanted = {key: s for key, s in samples.items() if s.caption.strip()}
    assert len(prompts) == len(videos) == len(tracks) == len(wanted) == len(samples) - 1
    for prompt, video, tracking in zip(prompts, videos, tracks, strict=True):
        assert (exported / video).is_file() and (exported / tracking).is_file()
        assert key_of(video) == key_of(tracking)
        assert prompt.split() == wanted[key_of(video)].caption.split()
    assert counts(exported)["cogvideox"] == {
        "pieces": len(wanted),
        "left_out": {"no caption": 1},
    }


def test_musubi_reads_one_dataset_per_rate(exported, samples):
    for name, columns in (
        ("musubi.toml", {"video_path", "caption", "caption_origin"}),
        ("musubi-control.toml", {"video_path", "caption", "caption_origin", "control_path"}),
    ):
        config = tomllib.loads((exported / name).read_text("utf-8"))
        assert config["general"]["resolution"] == [384, 216]
        (dataset,) = config["datasets"]
        assert isinstance(dataset["source_fps"], float) and dataset["source_fps"] == 25.0
        assert dataset["max_frames"] % 4 == 1
        items = json_lines(exported / dataset["video_jsonl_file"])
        assert {key_of(item["video_path"]) for item in items} == set(samples)
        for item in items:
            assert set(item) == columns
            assert item["caption"] == samples[key_of(item["video_path"])].caption
            assert (exported / item["video_path"]).is_file()
            assert (exported / item.get("control_path", item["video_path"])).is_file()


def test_finetrainers_and_fastvideo_by_their_library(exported, samples, tmp_path):
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(
        "videofolder", data_dir=str(exported), split="train", cache_dir=str(tmp_path)
    ).cast_column("video", datasets.Video(decode=False))
    assert {key_of(row["video"]["path"]): row["caption"] for row in loaded} == {
        key: sample.caption for key, sample in samples.items()
    }
    loaded = datasets.load_dataset(
        "json",
        data_files=str(exported / "videos2caption.json"),
        split="train",
        cache_dir=str(tmp_path),
    )
    assert len(loaded) == len(samples) - 1
    for row in loaded:
        sample = samples[key_of(row["path"])]
        assert (exported / "videos" / row["path"]).is_file()
        assert row["cap"] == [sample.caption]
        assert (row["num_frames"], row["fps"]) == (sample.num_frames, 25.0)
        assert row["resolution"] == {"width": 384, "height": 216}


def test_cosmos_finds_captions_of_all_it_can_draw_from(exported, samples):
    names = {path.stem for path in (exported / "metas").iterdir()}
    assert names == {key for key, sample in samples.items() if sample.num_frames >= 94}
    assert 0 < len(names) < len(samples)
    for key in names:
        text = (exported / "metas" / f"{key}.txt").read_bytes().decode("utf-8")
        assert text == samples[key].caption
    assert counts(exported)["cosmos"] == {
        "pieces": len(names),
        "left_out": {"fewer than 94 frames": len(samples) - len(names)},
    }


def test_diffusion_pipe_drops_no_video_and_no_frames_for_their_length(exported, samples):
    config = tomllib.loads((exported / "diffusion-pipe.toml").read_text("utf-8"))
    assert config["directory"][0]["path"] == "videos"
    # A video goes into the largest bucket that it fills: at most three frames of it are lost.
    buckets = config["frame_buckets"]
    assert buckets == sorted(set(buckets)) and all(count % 4 == 1 for count in buckets)
    for sample in samples.values():
        assert sample.num_frames - max(n for n in buckets if n <= sample.num_frames) < 4


def test_ltx_takes_only_what_its_model_can(exported, for_ltx, workspace):
    assert (exported / "ltx.jsonl").read_bytes() == b""
    assert counts(exported)["ltx"]["left_out"] == {"frames are not 8N+1": 8}
    captions = {sample.sample_id: sample.caption for sample in read_samples(workspace)}
    for name, column in (
        ("ltx", None),
        ("ltx-reference", "reference_video"),
        ("ltx-mask", "video_mask"),
    ):
        rows = json_lines(for_ltx / f"{name}.jsonl")
        assert len(rows) == len(captions)
        for row in rows:
            assert set(row) == {"video", "caption", "caption_origin"} | (
                {column} if column else set()
            )
            assert row["caption"] == captions[key_of(row["video"])]
            pictures = frames_in(for_ltx / row[column or "video"])
            assert len(pictures) % 8 == 1
            assert pictures[0].shape[0] % 32 == pictures[0].shape[1] % 32 == 0


def test_tracking_and_masks_lie_on_the_objects(for_ltx, workspace):
    for sample in read_samples(workspace):
        mask = frames_in(for_ltx / "masks" / f"{sample.sample_id}.mp4")
        drawn = frames_in(for_ltx / "tracking" / f"{sample.sample_id}.mp4")
        assert len(mask) == len(drawn)
        hits = []
        for entry in sample.objects:
            # 216 lines become 192: twelve go above, twelve below
            points = np.rint(decode_tracks(entry.points) - [0, 12]).astype(int)
            seen = decode_bits(entry.visibility)
            for frame in range(0, min(len(mask), len(points)), 10):
                for x, y in points[frame][seen[frame]].tolist():
                    if 0 <= x < 384 and 0 <= y < 192:
                        hits.append((drawn[frame][y, x].max() > 90, mask[frame][y, x].max() < 128))
        lit, black = np.mean(hits, axis=0)
        assert len(hits) > 20 and lit > 0.98 and black > 0.9


def test_without_drawings_there_is_no_decoding_and_no_index_of_them(hostile, samples, tmp_path):
    out = tmp_path / "out"
    options = PlainOptions(tracking=False, masks=False)
    run_export(hostile, out, ExportPlan(Plain(options), FolderContainer))
    assert not (out / "tracking").exists() and not (out / "masks").exists()
    assert filled_lines(out / "trackings.txt") == []
    assert len(filled_lines(out / "videos.txt")) == len(samples) - 1
    assert counts(out)["musubi-control"]["left_out"] == {"no tracking video": len(samples)}
    assert "datasets" not in tomllib.loads((out / "musubi-control.toml").read_text())
    whole = [s for s in samples.values() if s.anchor == 0]
    assert whole
    for sample in whole:
        copied = (out / "videos" / f"{sample.sample_id}.mp4").read_bytes()
        assert copied == Path(sample.uri).read_bytes()


def test_an_index_of_an_earlier_rate_goes(hostile, tmp_path):
    out = tmp_path / "out"
    options = PlainOptions(tracking=False, masks=False)
    run_export(hostile, out, ExportPlan(Plain(options), FolderContainer))
    assert [p.name for p in (out / "musubi").iterdir()] == ["25fps.jsonl"]
    profile = FrameProfile(fps=Fraction(30000, 1001), max_frames=9)
    run_export(hostile, out, ExportPlan(Plain(options), FolderContainer, profile=profile))
    assert [p.name for p in (out / "musubi").iterdir()] == ["29.97fps.jsonl"]
    (dataset,) = tomllib.loads((out / "musubi.toml").read_text())["datasets"]
    assert dataset["source_fps"] == pytest.approx(29.97) and dataset["max_frames"] == 9
    assert not (out / "metas").exists() or not any((out / "metas").iterdir())


def test_indices_that_stay_empty_are_told_before_writing(hostile, samples, tmp_path):
    told: list[str] = []
    options = PlainOptions(tracking=False, masks=False)
    profile = FrameProfile(max_frames=93)
    report = run_export(
        hostile,
        tmp_path / "out",
        ExportPlan(Plain(options), FolderContainer, profile=profile),
        on_notice=told.append,
    )
    ltx, cosmos = told
    number = len(samples)
    assert ltx.startswith(f"ltx: none of {number} samples can be in it (") and "--frames ltx" in ltx
    assert cosmos.startswith(f"cosmos: none of {number} samples") and "longest has 93" in cosmos
    text = str(report)
    assert f"cosmos: 0 of {number} ({number} x fewer than 94 frames)" in text
    assert "everything is in: finetrainers, musubi, diffusion-pipe" in text
    assert counts(tmp_path / "out") == {
        name: {"pieces": count.pieces, "left_out": count.left_out}
        for name, count in report.indices.items()
    }


@pytest.mark.parametrize("name", ["source", "wan2.1", "ltx", "hunyuan", "cogvideox"])
def test_what_is_expected_is_what_comes(hostile, samples, name):
    """The frames told before an export are those it gives."""
    for sample in samples.values():
        facts = SampleInputs(index=index_video(sample.uri)[1])
        profile = PROFILES[name].model_copy(update={"min_frames": 1})
        found = expected_count(
            sample.num_frames,
            Fraction(sample.fps).limit_denominator(1001),
            fps=profile.fps,
            rule=profile.count,
            max_frames=profile.max_frames,
        )
        assert found == compose(sample, facts, profile).num_frames
