"""Small layers whose names are part of the checkpoint format."""

from torch import Tensor, nn
from torch.nn import functional


class Linear(nn.Module):
    """A linear layer whose parameters are called `linear.weight` and `linear.bias`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, values: Tensor) -> Tensor:
        """Map [..., inputs] to [..., outputs]."""
        return self.linear(values)


class LinearRelu(Linear):
    """The same, followed by ReLU."""

    def forward(self, values: Tensor) -> Tensor:
        """Map [..., inputs] to [..., outputs], none below 0."""
        return functional.relu(self.linear(values))
