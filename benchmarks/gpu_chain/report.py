"""What was measured, as a table to read."""

from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = (
    "stage", "network", "threads x ahead", "clips a call", "clips/h", "model busy", "GPU busy",
    "s a clip: model", "decode", "GPU GiB", "host GiB", "clips", "failed",
)  # fmt: skip


def markdown(found: Mapping[str, Any]) -> str:
    """Return all results; those of stages that did not run say why."""
    machine = found["machine"]
    lines = [
        f"{machine['card']}, {machine['cpus']} CPU cores, Python {machine['python']}, "
        f"torch {machine['torch']}, transformers {machine['transformers']}; "
        f"{found['clips']}.",
        "",
        "| " + " | ".join(_HEAD) + " |",
        "| --- | --- | " + " | ".join(["---:"] * (len(_HEAD) - 2)) + " |",
    ]
    notes = []
    for stage in found["stages"]:
        lines += [_line(stage, row) for row in stage["rows"]]
        if stage["why"]:
            word = "stopped" if stage["rows"] else "not run"
            lines += [] if stage["rows"] else [_empty(stage)]
            notes.append(f"- {stage['name']} {word}: {stage['why'].splitlines()[-1]}")
        notes += [f"- {stage['name']}, a clip failed: {text}" for text in _errors(stage)]
    lines += ["", *notes, "" if notes else "Every stage ran."]
    return "\n".join([*lines, *_goldens(found["goldens"])]).rstrip() + "\n"


def _errors(stage: Mapping[str, Any]) -> Sequence[str]:
    return sorted({row["error"] for row in stage["rows"] if row["error"]})


def _line(stage: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    cells = (
        stage["name"],
        stage["network"],
        f"{row['decode_threads']} x {row['ahead']}",
        str(row["batch"]),
        _number(row.get("clips_per_hour"), 0),
        _percent(row.get("model_busy")),
        _percent(row.get("gpu_busy")),
        _number(row.get("model_seconds_a_clip"), 3),
        _number(row.get("load_seconds_a_clip"), 3),
        _number(row["peak_gpu_gib"], 1),
        _number(row["peak_host_gib"], 1),
        str(row["clips"]),
        str(row["failed"]),
    )
    return "| " + " | ".join(cells) + " |"


def _empty(stage: Mapping[str, Any]) -> str:
    blank = ["-"] * (len(_HEAD) - 2)
    return f"| {stage['name']} | {stage['network']}: not run | " + " | ".join(blank) + " |"


def _goldens(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    lines = [
        "",
        "| network | output | float32 | TF32 | bfloat16 |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for row in rows:
        values = [_small(row.get(kind)) for kind in ("float32", "tf32", "bfloat16")]
        lines.append(f"| {row['network']} | {row['what']} | " + " | ".join(values) + " |")
    return lines


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def _small(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"
