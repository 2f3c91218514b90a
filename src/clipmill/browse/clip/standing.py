"""Where a clip stands in the scores of the run, and who stands beside it.

Selections read some of the numbers that were measured: these have cuts, and objects of their own.
All others are ranked clip by clip.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from clipmill.browse.catalogue import Catalogue, CatalogueClip
from clipmill.browse.catalogue.dates import DATE
from clipmill.browse.site import OpenRun
from clipmill.clips import Clip
from clipmill.inspection.clip_data import score_line
from clipmill.inspection.histogram import number
from clipmill.inspection.scores import Score, cut_lines

BESIDE: Final = 4
"""Neighbours on either side."""


def ranking(run: OpenRun, clip: Clip, title: str) -> dict[str, Any] | None:
    """Return the neighbours of a clip by a score, and those of the score's cuts.

    Args:
        run: The run.
        clip: The clip.
        title: `column` or `column of step`, see `titles`.

    Returns:
        `title`, `level`, `count` (of numbers), `place` (of the clip, from 1, or None), `around`,
        and `cuts`: of each `rule`, `line`, `dropped` and `kept`: the nearest on either side.
        Items have `clip`, `key`, `value`, `kept`, `own`. None for a score that is not known.
    """
    score = next((s for s in run.scores if title in (s.column, _title(s))), None)
    if score is None:
        return None
    values = score.values
    gone = np.zeros(len(values), bool)
    for cut in score.cuts:
        gone |= score.dropped(cut)
    finite = np.flatnonzero(np.isfinite(values))
    order = finite[np.argsort(values[finite], kind="stable")]
    own = _own_places(score, clip)
    # Several objects of a clip may be in it: the lowest one leads.
    at = np.flatnonzero(np.isin(order, own))
    place = int(at[0]) if len(at) else None
    around = order[:0] if place is None else order[max(0, place - BESIDE) : place + BESIDE + 1]

    def items(places: npt.ArrayLike) -> list[dict[str, Any]]:
        mine = set(own.tolist())
        return [
            _item(score, int(p), kept=not gone[p], own=int(p) in mine) for p in np.asarray(places)
        ]

    return {
        "title": _title(score),
        "level": score.level,
        "count": len(order),
        "place": None if place is None else place + 1,
        "around": items(around),
        "cuts": [
            {"rule": cut.rule, "line": number(line)}
            | {
                side: items(_nearest(values, order, line, chosen=chosen))
                for side, chosen in (("dropped", score.dropped(cut)), ("kept", ~gone))
            }
            for cut in score.cuts
            for line in cut_lines(cut)
        ],
    }


def measured_ranking(catalogue: Catalogue, clip: Clip, name: str) -> dict[str, Any] | None:
    """Return the neighbours of a clip by a number that no selection reads.

    Args:
        catalogue: All clips.
        clip: The clip.
        name: The number.

    Returns:
        As `ranking`, without cuts; those of the clip that are kept by the whole run are `kept`.
    """
    if name not in catalogue.levels:
        return None
    found, own = catalogue.rank(clip.clip_id, name, count=BESIDE), catalogue.clip(clip.clip_id)
    around = []
    if found and own:
        below = [_clip_item(one, name) for one in reversed(found.below)]
        above = [_clip_item(one, name) for one in found.above]
        itself = _clip_item(own, name) | {"value": number(found.value), "own": True}
        around = [*below, itself, *above]
    return {
        "title": name,
        "level": catalogue.levels[name],
        "count": found.population if found else 0,
        "place": found.rank if found else None,
        "around": around,
        "cuts": [],
    }


def titles(run: OpenRun, catalogue: Catalogue) -> list[str]:
    """Return the names of all scores that can be ranked by, those of selections first."""
    read = {score.column for score in run.scores}
    return [
        *(_title(score) for score in run.scores),
        *(
            name
            for name in catalogue.levels
            if name not in read and not name.startswith(("verdict.", DATE))
        ),
    ]


def scores_of_object(scores: Sequence[Score], object_id: str) -> list[dict[str, Any]]:
    """Return the values of an object in the scores of objects, and where they stand."""
    found = []
    for score in scores:
        if score.level != "object":
            continue
        place = pc.index(score.keys, object_id).as_py()
        if place >= 0:
            found.append(score_line(score, place))
    return found


def with_kept_values(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the chain, where steps that kept say which values they judged: verdicts do not.

    Args:
        facts: `id`, `chain`, `scores` of the clip, and `objects` with their `scores`.
    """
    scores = {"clip": facts["scores"]}
    for entry in facts["objects"]:
        scores[entry["id"].removeprefix(facts["id"]).lstrip("-")] = entry["scores"]
    chain: list[dict[str, Any]] = []
    for link in facts["chain"]:
        told = link["state"] != "kept" or link["rule"]
        judged = [] if told else scores.get(link["what"], [])
        mine = [score for score in judged if score["step"] == link["step"]]
        chain.append(link | {"judged": mine})
    return chain


def _title(score: Score) -> str:
    return f"{score.column} of {score.step}" if score.step else score.column


def _own_places(score: Score, clip: Clip) -> npt.NDArray[np.int64]:
    """Return the places of the clip, of its objects, or else of what it was cut from."""
    if score.level == "object":
        mine = pc.starts_with(score.keys, pattern=f"{clip.clip_id}-a")
        return np.flatnonzero(mine.to_numpy(zero_copy_only=False))
    place = score.place_of(clip)
    return np.array([] if place is None else [place], np.int64)


def _nearest(
    values: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
    line: float,
    *,
    chosen: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """Return the chosen ones that are nearest to a line, lowest value first."""
    mine = order[chosen[order]]
    near = np.sort(np.argsort(np.abs(values[mine] - line), kind="stable")[:BESIDE])
    return mine[near]


def _item(score: Score, place: int, *, kept: bool, own: bool) -> dict[str, Any]:
    key = str(score.keys[place].as_py())
    return {
        "key": key,
        "clip": key.partition("-a")[0],
        "value": number(float(score.values[place])),
        "kept": kept,
        "own": own,
    }


def _clip_item(clip: CatalogueClip, name: str) -> dict[str, Any]:
    pair = clip.numbers.get(name)
    return {
        "key": clip.key,
        "clip": clip.key,
        "value": number(pair[1]) if pair else "",
        "kept": clip.state == "kept",
        "own": False,
    }
