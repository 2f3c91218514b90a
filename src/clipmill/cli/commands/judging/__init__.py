"""Commands about what people think of clips."""
