"""Whole pictures out of interlaced frames, whose odd and even lines were taken at two moments."""

from collections.abc import Callable
from fractions import Fraction

from av.filter import Graph
from av.video.frame import VideoFrame

from clipmill.video.errors import IndexMismatchError

_FILTER = "bwdif"
_MODE = "mode=send_frame:parity=auto:deint=all"
"""One picture per frame, of its first field's moment, so that frames keep their numbers."""
_TICK = Fraction(1, 1000)
"""The filter wants one; times play no part in what it does."""


class Deinterlacer:
    """Deinterlaces frames that say that they hold fields; others pass as they are.

    A picture depends on its frame and the two beside it and on nothing else, so that it is the
    same whatever the order of access. Frames that are marked by mistake lose a little detail
    where something moves.

    Args:
        frame_at: Gives a frame by its number; raises IndexMismatchError where it is missing.
        num_frames: Frames of the video.
    """

    def __init__(self, frame_at: Callable[[int], VideoFrame], num_frames: int) -> None:
        self._frame_at, self._num_frames = frame_at, num_frames
        self._graph: Graph | None = None
        self._fed = -1

    def picture(self, number: int) -> VideoFrame:
        """Return the picture of a frame.

        Raises:
            IndexMismatchError: The file has no such frame.
        """
        goes_on = self._graph is not None and self._fed == number
        # In ascending order, so that nothing is decoded twice.
        before = None if goes_on else self._beside(number - 1)
        frame = self._frame_at(number)
        if not frame.interlaced_frame:
            self._graph = None
            return frame
        if self._graph is None or not goes_on:
            self._graph = _graph_for(frame)
            # The filter is one frame late.
            if before is not None and _shape(before) == _shape(frame):
                self._graph.vpush(before)
                self._graph.vpush(frame)
                self._graph.vpull()
            else:
                self._graph.vpush(frame)
        return self._finish(self._graph, number, frame)

    def _finish(self, graph: Graph, number: int, frame: VideoFrame) -> VideoFrame:
        """Give the filter the frame behind, which is all that it still needs."""
        after = self._beside(number + 1)
        if after is not None and _shape(after) == _shape(frame):
            graph.vpush(after)
            self._fed = number + 1
        else:
            graph.vpush(None)
            self._graph = None
        return graph.vpull()

    def _beside(self, number: int) -> VideoFrame | None:
        if not 0 <= number < self._num_frames:
            return None
        try:
            return self._frame_at(number)
        except IndexMismatchError:
            return None


def _graph_for(frame: VideoFrame) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=_TICK
    )
    middle = graph.add(_FILTER, _MODE)
    source.link_to(middle)
    middle.link_to(graph.add("buffersink"))
    graph.configure()
    return graph


def _shape(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
