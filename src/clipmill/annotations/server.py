"""A server with a model that a backend asks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Server:
    """An OpenAI-compatible server.

    Attributes:
        url: Address, with its /v1.
        model: Model that is asked for.
        key: What it is told to let us in.
        key_variable: Environment variable with the key.
        start: Command that starts one, e.g. `vllm serve NAME`.
    """

    url: str
    model: str
    key: str = ""
    key_variable: str = ""
    start: str = ""
