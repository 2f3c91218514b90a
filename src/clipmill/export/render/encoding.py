"""How videos are encoded."""

from pydantic import BaseModel, ConfigDict, Field


class EncodingOptions(BaseModel):
    """Settings of every video that is written; each has a default that works."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    crf: int = Field(
        default=18, ge=0, le=51, description="Quality of encoded videos, lower is better."
    )
    gop: int = Field(
        default=48, ge=1, description="Most frames between key frames of encoded videos."
    )
    reencode: bool = Field(
        default=False, description="Encode also videos that could be copied as they are."
    )
