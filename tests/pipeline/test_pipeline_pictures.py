"""Selections over what a file says of its pictures."""

from pathlib import Path

from pipelines import look, pipeline_on, run

from media import make_clip

_STEPS = """
name: pictures
steps:
  - annotate: probe
  - select: pictures
    rules:
      - {column: probe.convertible, one_of: [true], reason: colours that cannot be converted}
      - {column: probe.transfer, one_of: [bt709, unknown], reason: HDR}
      - {column: probe.interlaced, one_of: [false], reason: interlaced}
"""


def test_each_kind_is_dropped_by_its_own_rule(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    make_clip(videos / "plain.mp4", frames=3)
    make_clip(videos / "named.mp4", frames=3, extra=("-color_trc", "bt709"))
    make_clip(videos / "pq.mp4", frames=3, extra=("-color_trc", "smpte2084"))
    make_clip(videos / "ycgco.mp4", frames=3, extra=("-colorspace", "ycgco"))
    fields = ("-flags", "+ilme+ildct", "-x264-params", "tff=1")
    make_clip(videos / "fields.mp4", size=(320, 192), frames=3, extra=fields)
    pipeline = pipeline_on(videos, _STEPS)
    summary = run(pipeline, tmp_path / "ws")
    report = look(pipeline, tmp_path / "ws")["pictures selection"]
    assert (report.entering, report.leaving) == (5, 2)
    rules = sorted(row["rule"] for row in report.verdicts.to_pylist() if row["rule"])
    assert rules == ["HDR", "colours that cannot be converted", "interlaced"]
    assert summary.reports[-1].leaving == 2
