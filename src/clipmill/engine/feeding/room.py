"""How much memory the clips take that are loaded ahead of a model."""

from clipmill.annotations.base import ClipInput


class Room:
    """Lets clips in while they are thought to fit.

    What a clip will take is not known before it is loaded. It is expected to take as much as the
    largest so far, and if its video is larger than any before, all of its frames at their size.
    One that is alone always has room.

    Args:
        limit: Bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: dict[str, int] = {}
        self._sources: dict[str, int] = {}
        self._largest = self._largest_source = 0

    @property
    def taken(self) -> int:
        """Bytes of the clips that are in."""
        return sum(self._taken.values())

    def enter(self, key: str, item: ClipInput) -> bool:
        """Let a clip in; False when it has to wait until others have left."""
        source = _all_frames(item)
        expected = self._largest if source <= self._largest_source else source
        if self._taken and self.taken + expected > self._limit:
            return False
        self._taken[key], self._sources[key] = expected, source
        return True

    def settle(self, key: str, size: int) -> None:
        """Note what a clip takes now that it is loaded, bytes."""
        if key in self._taken:
            self._taken[key] = size
            self._largest = max(self._largest, size)
            self._largest_source = max(self._largest_source, self._sources[key])

    def leave(self, key: str) -> None:
        """Note that a clip is gone."""
        self._taken.pop(key, None)
        self._sources.pop(key, None)


def _all_frames(item: ClipInput) -> int:
    """Return the bytes of all frames of a clip; 0 where its video is not probed."""
    if item.probe is None:
        return 0
    return item.clip.num_frames * item.probe.width * item.probe.height * 3
