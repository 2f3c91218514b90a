"""What a caption model is asked."""

from collections.abc import Sequence

DEFAULT_PROMPT = """\
The pictures are frames of one shot, in order of time, taken at {times} after its first frame.
Write the text prompt from which a text-to-video model would make this shot: one paragraph of \
plain, flowing English, {min_words} to {max_words} words.
Begin with the visual style and the gist of the shot, then go into detail. Spend most words on how \
things change over time compared with the first frame: who or what moves, in which way, what comes \
into view and what leaves it, what the camera does.
Say only what can be seen for certain. Do not use the word "gesture". Describe the scene itself: \
no phrase such as "the video shows" or "in this clip", no list, no title, no comment on the task."""
"""Asks for what the published pipeline asked for; `{times}`, `{min_words}` and `{max_words}` are
filled in."""

_AGAIN = "\nAn earlier answer could not be used: {problem}. Answer with the paragraph only."


def fill_prompt(
    template: str, times: Sequence[float], *, min_words: int, max_words: int, problem: str = ""
) -> str:
    """Return the prompt for one set of frames.

    Args:
        template: May hold `{times}`, `{min_words}` and `{max_words}`; other braces stay.
        times: Seconds of the frames after the first one.
        min_words: Wanted length.
        max_words: Wanted length.
        problem: What was wrong with the answer before, on a second attempt.
    """
    listed = ", ".join(f"{seconds:.2f}" for seconds in times) + " seconds"
    values = {"times": listed, "min_words": str(min_words), "max_words": str(max_words)}
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template + (_AGAIN.format(problem=problem) if problem else "")
