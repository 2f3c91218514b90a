"""One unit of length for the windows of a clip."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clipmill.annotations.camera.structure.evidence import centres_of
from clipmill.annotations.camera.structure.windows import Window


def in_one_unit(windows: Sequence[Window]) -> list[Window]:
    """Bring the windows that travel to one unit of length: the median depth of their points.

    Windows that overlap measured the same steps, whose lengths give the ratio of their units. A
    run of windows that is cut off from the others has a unit of its own.

    Args:
        windows: Windows that travel, in time order.
    """
    done: list[Window] = []
    run: list[Window] = []
    for window in windows:
        if run and window.frames.start < run[-1].frames.stop - 1:
            run.append(_scaled(window, _unit_ratio(run[-1], window)))
            continue
        done += _by_median_depth(run)
        run = [window]
    return done + _by_median_depth(run)


def _unit_ratio(before: Window, window: Window) -> float:
    """Return how long the unit of a window is in that of the one before."""
    shared = range(window.frames.start, before.frames.stop)
    ours, theirs = (
        np.linalg.norm(
            np.diff(
                centres_of(w.scene)[shared.start - w.frames.start : shared.stop - w.frames.start],
                axis=0,
            ),
            axis=1,
        )
        for w in (window, before)
    )
    return float((ours * theirs).sum() / max((ours * ours).sum(), 1e-18))


def _by_median_depth(run: Sequence[Window]) -> list[Window]:
    if not run:
        return []
    inverse = np.median(np.concatenate([w.scene.inverse_depths[w.explained.points] for w in run]))
    return [_scaled(window, float(inverse)) for window in run]


def _scaled(window: Window, factor: float) -> Window:
    scene = window.scene
    return replace(
        window,
        scene=replace(
            scene,
            translations=scene.translations * factor,
            inverse_depths=scene.inverse_depths / max(factor, 1e-12),
        ),
    )
