"""Backend `openai`: captions from any OpenAI-compatible server (vLLM, SGLang, a hosted one)."""

import base64
import io
import os
import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import Field

from clipmill.annotations.base import RUNTIME, BackendConfig, Needs
from clipmill.annotations.caption.asking import (
    Answer,
    ModelCaption,
    ModelCaptionConfig,
    Question,
)
from clipmill.annotations.optional import needed_from
from clipmill.annotations.server import Server
from clipmill.errors import ClipError, ClipStalledError, ClipTimeoutError, ServerError

_OF_THE_CLIP = frozenset({400, 413, 422})
"""Answers that say that this one request is wrong: too many frames for the model, for example."""


class OpenAICaptionConfig(ModelCaptionConfig):
    """Settings. The key is read from an environment variable, never from the pipeline file."""

    base_url: Annotated[str, RUNTIME] = Field(
        "http://127.0.0.1:8000/v1", description="Address of the server, with its /v1."
    )
    base_url_env: Annotated[str, RUNTIME] = Field(
        "CLIPMILL_CAPTION_URL",
        description="Environment variable that overrides `base_url` and is no part of the result.",
    )
    api_key_env: Annotated[str, RUNTIME] = Field(
        "OPENAI_API_KEY", description="Environment variable with the key."
    )
    concurrency: Annotated[int, RUNTIME] = Field(16, ge=1, description="Requests at once.")
    retries: Annotated[int, RUNTIME] = Field(
        4, ge=0, description="Further tries after 429, 5xx and broken lines."
    )
    timeout: Annotated[float, RUNTIME] = Field(
        120.0, gt=0, description="Seconds to wait for one answer."
    )
    temperature: float = Field(0.0, ge=0, description="0 for the most likely answer.")
    jpeg_quality: int = Field(90, ge=1, le=100, description="Of the frames sent.")


class OpenAICaption(ModelCaption):
    """Frames go as JPEG `image_url`s of one message, requests of a batch go at once.

    The client waits and tries again after 429, 5xx, a timeout or a broken connection, longer each
    time or as long as `Retry-After` says. When a server cannot be reached at all, the clips that
    follow try only once each until it answers again, so a dead server ends a run soon.
    """

    name: ClassVar[str] = "openai"
    version: ClassVar[int] = 2
    Config: ClassVar[type[BackendConfig]] = OpenAICaptionConfig
    needs: ClassVar[Needs] = Needs(
        modules=("openai",), extra="models", licence="that of the model on the server"
    )
    batch_size: ClassVar[int] = 16
    unit_size: ClassVar[int] = 32
    config: OpenAICaptionConfig

    @classmethod
    def identity(cls, config: OpenAICaptionConfig) -> dict[str, str]:
        """Name the model; which server runs it is taken to make no difference."""
        return {"model": config.model}

    @classmethod
    def asked_server(cls, config: OpenAICaptionConfig) -> Server:
        """Return the server that is asked."""
        return Server(
            url=(os.environ.get(config.base_url_env) or config.base_url).rstrip("/"),
            model=config.model,
            key=os.environ.get(config.api_key_env, ""),
            key_variable=config.api_key_env,
            start=f"vllm serve {shlex.quote(config.model)}",
        )

    def setup(self) -> None:
        """Make the client; nothing is sent yet."""
        with needed_from(self.needs.extra, what=f"caption backend '{self.name}'"):
            import openai
        self._openai = openai
        self._server = self.asked_server(self.config)
        self._client = openai.OpenAI(
            base_url=self._server.url,
            # Servers of one's own take any key, the client insists on one.
            api_key=self._server.key or "none",
            timeout=self.config.timeout,
            max_retries=self.config.retries,
        )
        self._down = False

    def ask(self, questions: Sequence[Question]) -> Sequence[Answer | ClipError]:
        """Send all questions, a number of them at once."""
        with ThreadPoolExecutor(self.config.concurrency, "caption") as pool:
            return list(pool.map(self._ask, questions))

    def _ask(self, question: Question) -> Answer | ClipError:
        client = self._client.with_options(max_retries=0) if self._down else self._client
        try:
            question.check()
            reply = client.chat.completions.create(
                model=self.config.model,
                messages=[{"role": "user", "content": self._content(question)}],
                max_tokens=self.config.max_tokens,
                temperature=self.config.temperature,
                seed=0,
            )
            question.check()
        except (ClipTimeoutError, ClipStalledError) as error:
            return error
        except self._openai.APIConnectionError as error:
            self._down = True
            return ServerError(self._explain(error))
        except self._openai.OpenAIError as error:
            own = getattr(error, "status_code", None) in _OF_THE_CLIP
            return (ClipError if own else ServerError)(self._explain(error))
        self._down = False
        if not reply.choices:
            return Answer(None)
        choice = reply.choices[0]
        return Answer(choice.message.content, cut=choice.finish_reason == "length")

    def _content(self, question: Question) -> Any:
        """Return the message: the frames in order, then the text."""
        pictures = [
            {"type": "image_url", "image_url": {"url": data_url(picture, self.config.jpeg_quality)}}
            for picture in question.pictures
        ]
        return [*pictures, {"type": "text", "text": self.prompt_for(question)}]

    def _explain(self, error: Exception) -> str:
        """Return what went wrong and what to do about it."""
        who = f"the caption server {self._server.url}"
        if isinstance(error, self._openai.APITimeoutError):
            return (
                f"{who} gave no answer within {self.config.timeout:g} s; raise `timeout` or "
                "lower `concurrency`, and run again"
            )
        if isinstance(error, self._openai.APIConnectionError):
            reason = error.__cause__ or error
            remedy = f"start it (for example: {self._server.start}) and run again"
            return f"{who} cannot be reached ({reason}); {remedy}"
        status = getattr(error, "status_code", None)
        remedies = {
            401: f"set {self.config.api_key_env} to a valid key",
            403: f"the key in {self.config.api_key_env} may not use this model",
            404: f"it does not serve '{self.config.model}' there; check `model` and `base_url`",
            429: "it has too much to do; lower `concurrency` or raise `retries`",
        }
        remedy = remedies.get(status or 0, "look into the server's log")
        return f"{who} answered with an error ({error}); {remedy}"


def data_url(picture: npt.NDArray[np.uint8], quality: int) -> str:
    """Return a picture, uint8 [H, W, 3] RGB, as a JPEG data URL."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
