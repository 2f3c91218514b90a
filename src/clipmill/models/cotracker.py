"""CoTracker3 (Karaev et al., 2024), as its authors publish it for `torch.hub`.

Code and weights are CC-BY-NC 4.0: not for commercial use. The code is no package, so it is loaded
from a pinned commit, or from a folder that holds such a commit.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch

from clipmill.errors import UsageError
from clipmill.models.batching import TooLargeError, in_batches
from clipmill.models.device import check_memory, full_precision, inference

ENTRY = "cotracker3_offline"

FEWEST_POINTS, SHORTEST = 8, 16
"""Points and frames below which a call is not split any further."""

_SMALLEST_BYTES = 2**30  # what such a call works with at 512 x 384, estimated

Journey = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""A point: its track [T, 2], when it is visible [T], and where the way back ends [2]."""


def load_cotracker(repo_or_dir: str) -> torch.nn.Module:
    """Load the offline predictor, without weights.

    Args:
        repo_or_dir: A folder with a `hubconf.py`, or `owner/name:commit` on GitHub.

    Returns:
        A module to be called with video float32 [1, T, 3, H, W] (0..255) and queries
        [1, N, 3] (frame, x, y); it answers with tracks [1, T, N, 2] and visibility [1, T, N].
        Its network, which the weights belong to, is its attribute `model`.

    Raises:
        UsageError: It is not there or cannot be loaded.
    """
    local = Path(repo_or_dir).expanduser().is_dir()
    try:
        loaded = torch.hub.load(
            repo_or_dir if not local else str(Path(repo_or_dir).expanduser()),
            ENTRY,
            source="local" if local else "github",
            trust_repo=True,
            # The check asks a GitHub interface that soon refuses; a commit is pinned anyway.
            skip_validation=True,
            verbose=False,
            pretrained=False,
        )
    # What a repository's own code may raise is not known.
    except Exception as error:
        raise UsageError(
            f"CoTracker cannot be loaded from '{repo_or_dir}': {type(error).__name__}: {error}. "
            "Check the network, or set `repo` to a folder with a copy of the repository "
            "(clipmill models pull cotracker3-code)"
        ) from error
    if not isinstance(loaded, torch.nn.Module):
        raise UsageError(f"'{repo_or_dir}' gave a {type(loaded).__name__} instead of a network")
    return loaded


class Tracker:
    """The predictor on a device.

    Args:
        predictor: As `load_cotracker` gives it, with its weights.
        device: Where it runs. In float32: bfloat16 would round coordinates to whole pixels.

    Raises:
        UsageError: The GPU has less memory free than the smallest call takes.
    """

    def __init__(self, predictor: torch.nn.Module, *, device: torch.device) -> None:
        weights = sum(value.nbytes for value in predictor.state_dict().values())
        check_memory(device, needed_bytes=weights + _SMALLEST_BYTES, what="CoTracker3")
        self.predictor: Any = predictor.to(device).eval()
        self.device = device

    def there_and_back(
        self, video: torch.Tensor, points: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Follow points to the last frame and back again.

        The way back is the way forth through the reversed video, so the features of the frames
        are those computed before, where the predictor has a network of its own for them.

        What does not fit into memory is split: first into fewer points a call, which then do not
        help each other, then into stretches of half the frames, where a point goes on from its
        place in the last frame. Both cost accuracy, so neither is done without need.

        Args:
            video: uint8 [T, 3, H, W].
            points: float32 [N, 2], x, y in pixels of the first frame; N >= 1.

        Returns:
            Tracks float32 [T, N, 2], visibility bool [T, N], and where the way back ends in the
            first frame, float32 [N, 2]; on the CPU.

        Raises:
            TooLargeError: Not even a few points over a few frames fit.
        """
        length = len(video)
        while True:
            try:
                found = in_batches(
                    partial(self._journeys, video, length),
                    list(points),
                    size=len(points),
                    least=FEWEST_POINTS,
                    what=f"CoTracker3 with {FEWEST_POINTS} points over {length} frames",
                )
                break
            except TooLargeError:
                if length <= SHORTEST:
                    raise
            length = max(SHORTEST, -(-length // 2))
        tracks, visible, home = (torch.stack(parts) for parts in zip(*found, strict=True))
        return tracks.transpose(0, 1), visible.transpose(0, 1), home

    def _journeys(
        self, video: torch.Tensor, length: int, points: Sequence[torch.Tensor]
    ) -> list[Journey]:
        """Follow some points through stretches of `length` frames that share their ends."""
        last = len(video) - 1
        starts = range(0, max(last, 1), max(length - 1, 1))
        stretches = [slice(start, min(start + length, last + 1)) for start in starts]
        tracks: list[torch.Tensor] = []
        visible: list[torch.Tensor] = []
        with inference(), full_precision(self.device), _features_kept(self.predictor):
            at = torch.stack(list(points)).to(self.device)
            for stretch in stretches:
                places, shown = self._follow(self._frames(video[stretch]), at)
                at = places[-1]
                again = 1 if tracks else 0  # the frame that the stretch before ended with
                tracks.append(places[again:].cpu())
                visible.append(shown[again:].cpu())
            for stretch in reversed(stretches):
                places, _ = self._follow(self._frames(video[stretch]).flip(1), at)
                at = places[-1]
        whole, seen = torch.cat(tracks), torch.cat(visible)
        return list(zip(whole.unbind(1), seen.unbind(1), at.cpu().unbind(), strict=True))

    def _frames(self, video: torch.Tensor) -> torch.Tensor:
        return video.to(self.device).float()[None]

    def _follow(
        self, frames: torch.Tensor, points: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        queries = torch.cat([torch.zeros_like(points[:, :1]), points], dim=1)[None]
        tracks, visible = self.predictor(frames, queries=queries, backward_tracking=False)
        shown = visible[0] if visible.dtype == torch.bool else visible[0] > 0.5
        return tracks[0].float(), shown.reshape(tracks.shape[1:3])


class _KeptFeatures(torch.nn.Module):
    """An image network that knows its last input again when the frames come in reverse."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network
        self._seen: torch.Tensor | None = None
        self._features: torch.Tensor | None = None

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self._features is not None and self._is_reversed(images):
            return self._features.flip(0)
        self._seen = self._features = None  # not two sets of features at once
        features = self.network(images)
        if isinstance(features, torch.Tensor) and len(features) == len(images):
            self._seen, self._features = images, features
        return features

    def _is_reversed(self, images: torch.Tensor) -> bool:
        seen = self._seen
        return seen is not None and seen.shape == images.shape and torch.equal(seen.flip(0), images)


@contextmanager
def _features_kept(predictor: Any) -> Iterator[None]:
    """Let the image network of a predictor remember; without such a network nothing happens."""
    inner = getattr(predictor, "model", None)
    network = getattr(inner, "fnet", None)
    if not isinstance(inner, torch.nn.Module) or not isinstance(network, torch.nn.Module):
        yield
        return
    inner.fnet = _KeptFeatures(network)
    try:
        yield
    finally:
        inner.fnet = network
