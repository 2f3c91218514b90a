"""Whether a model's answer can serve as a caption."""

import re

_REFUSAL = re.compile(
    r"\b(i['’]?m sorry|i am sorry|i apologi[sz]e|i can(not|['’]?t)|i am (not able|unable)|"
    r"i['’]m (not able|unable)|as an ai|as a language model|unable to (assist|help|view|see)|"
    r"no (images?|frames?|video) (was|were|has been|have been) provided)\b",
    re.IGNORECASE,
)
_NOUNS = r"(video|clip|footage|image|images|picture|pictures|frame|frames|sequence|scene)"
_META = re.compile(
    rf"(\b(the|this|these) {_NOUNS}( (clearly|first|then))? "
    r"(show|depict|feature|capture|display|present|illustrate|portray|begin|start|open)s?\b|"
    rf"\b(in|throughout|across) (the|this|these) (video|clip|footage|images?|pictures?|frames?)\b|"
    r"\b(here is|here['’]s|sure[,!]|certainly[,!]|of course[,!]|caption:|description:))",
    re.IGNORECASE,
)
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)


def cleaned(answer: str | None) -> str:
    """Return an answer as one paragraph: without thoughts, quotes around it and line breaks."""
    text = " ".join(_THOUGHT.sub(" ", answer or "").split())
    quotes = {'"': '"', "“": "”", "'": "'"}
    if len(text) > 1 and quotes.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text


def whole_sentences(text: str) -> str:
    """Cut an answer that ran out of tokens after its last whole sentence; "" when it has none."""
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s|$)", text)]
    return text[: ends[-1]] if ends else ""


def problem_with(text: str, *, max_words: int, forbidden: tuple[str, ...] = ()) -> str:
    """Return why a text is no caption, in words that can be told to the model; "" if it is one.

    Args:
        text: As `cleaned` gives it.
        max_words: A longer text is not what was asked for.
        forbidden: Words that may not occur, in any case, also at the front of longer words.
    """
    if not text:
        return "it was empty"
    words = len(text.split())
    if words > max_words:
        return f"it had {words} words; at most {max_words} are allowed"
    if refusal := _REFUSAL.search(text):
        return f"it refused ('{refusal.group()}')"
    if meta := _META.search(text):
        return f"it talked about the video instead of the scene ('{meta.group()}')"
    for word in forbidden:
        if re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE):
            return f"it used the word '{word}'"
    return ""
