"""Whether a server that speaks OpenAI's protocol serves a model."""

from typing import Any

import httpx2

from clipmill.errors import ClipmillError

_SECONDS = 5.0
_PATIENCE = 30.0
"""Seconds to wait for a word of a model that is in no list: some servers load it when asked."""

START = "start it, for example: {start}"


class NotServedError(ClipmillError):
    """A server does not answer, or not with the model.

    Attributes:
        remedy: What to do; may hold `{start}` and `{key}`.
    """

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.remedy = remedy


def look_for_model(url: str, model: str, *, key: str = "") -> str:
    """Ask a server for its models.

    A model that is not in its list, or a server without one, is asked for a single word.

    Args:
        url: Address, with its /v1.
        model: Name of the model.
        key: What the server is told to let us in.

    Returns:
        What was found, in words.

    Raises:
        NotServedError: It does not answer, or has no such model.
    """
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        with httpx2.Client(headers=headers, follow_redirects=True, timeout=_SECONDS) as client:
            answer = client.get(f"{url}/models")
            _refuse(answer)
            listed = _names(answer)
            if model in listed:
                return f"serves {model}"
            return _ask_for_a_word(client, url, model, listed)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        raise NotServedError(f"does not answer ({reason})", START) from error


def _refuse(answer: httpx2.Response) -> None:
    """Raise what the answer to a question says, but for one that the server does not know."""
    if answer.status_code in (401, 403):
        text = f"does not let us in ({answer.status_code})"
        raise NotServedError(text, "set {key} to a valid key")
    if answer.status_code >= 500:
        text = f"answers with an error ({answer.status_code})"
        raise NotServedError(text, "look into the server's log")


def _names(answer: httpx2.Response) -> list[str]:
    """Return the models of a list; none where the answer is no list of models."""
    try:
        found: Any = answer.json()
        return [str(entry["id"]) for entry in found["data"]]
    except (ValueError, KeyError, TypeError):
        return []


def _ask_for_a_word(client: httpx2.Client, url: str, model: str, listed: list[str]) -> str:
    question = {
        "model": model,
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 1,
    }
    try:
        answer = client.post(f"{url}/chat/completions", json=question, timeout=_PATIENCE)
    except httpx2.TimeoutException:
        return f"has no {model} in its list, and has not answered yet"
    _refuse(answer)
    if not answer.is_error:
        return f"answers as {model}"
    has = f"it has {', '.join(listed[:3])}" if listed else f"it answers {answer.status_code}"
    raise NotServedError(
        f"does not serve {model}; {has}", "set `model` of the step to one of its names, or " + START
    )
