"""What people say of clips: judgements as rows of a workspace, read by steps, exports and the app.

A judgement is a row that is only ever added. It names what it is about by content (video, frames,
box), so it outlives other thresholds, other windows and moved files, and the files of several
people are put together by copying them into one folder.
"""

from clipmill.review.judgement import Judgement, judge_clip, judge_object
from clipmill.review.state import ClipReview, Conflict, ReviewState
from clipmill.review.store import MergedReviews, ReviewStore

__all__ = [
    "ClipReview",
    "Conflict",
    "Judgement",
    "MergedReviews",
    "ReviewState",
    "ReviewStore",
    "judge_clip",
    "judge_object",
]
