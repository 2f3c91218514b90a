"""How far the annotations of the demo are from the truth.

```python
found = {"pan.mp4": [DemoRows(clip=clip, rows={"objects": row, "tracks": row, ...}), ...], ...}
scores = score_demo(read_truths(folder), found)
console.print(score_table(scores))
```
"""

from collections.abc import Sequence

from rich.table import Table

from clipmill.demo.score_base import DemoScore, Found, Truths


def score_demo(truths: Truths, found: Found) -> list[DemoScore]:
    """Compare all annotations with the truth.

    Args:
        truths: Truth by video file name, see `clips.read_truths`.
        found: Rows of the finished workspace by video file name. Videos without truth are
            ignored; a video that is missing here (dropped, say) is not scored.

    Returns:
        Scores in the order of the pipeline. A row that is missing for all videos leaves its
        scores without a value.
    """
    from clipmill.demo import scores_motion, scores_objects, scores_picture

    return [
        scores_picture.score_shots(truths, found),
        *scores_picture.score_quality(truths, found),
        *scores_objects.score_objects(truths, found),
        *scores_motion.score_camera(truths, found),
        *scores_motion.score_tracks(truths, found),
        *scores_objects.score_inout(truths, found),
    ]


def score_table(scores: Sequence[DemoScore]) -> Table:
    """Return the scores as a table for the terminal."""
    table = Table(title="Distance from the known truth", title_justify="left")
    for column, justify in (
        ("what", "left"), ("found", "right"), ("bar", "right"), ("compared", "right"), ("", "left"),
    ):  # fmt: skip
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for score in scores:
        unit = f" {score.unit}" if score.unit else ""
        value = "nothing to compare" if score.value is None else f"{score.value:.3g}{unit}"
        bar = f"{'>=' if score.at_least else '<='} {score.bar:g}{unit}"
        verdict = "[green]ok[/]" if score.passed else "[red]missed[/]"
        table.add_row(score.name, value, bar, str(score.count), verdict)
    return table
