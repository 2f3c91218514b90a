"""The parts of a ResNet-18 (He et al., 2016) with torchvision's parameter names."""

from torch import Tensor, nn
from torch.nn import functional


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, inputs, H, W] to [B, outputs, H / stride, W / stride]."""
        inner = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(values)))))
        shortcut = values if self.downsample is None else self.downsample(values)
        return functional.relu(inner + shortcut)


def residual_stage(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    """Return one stage: two blocks, the first of which may shrink."""
    return nn.Sequential(
        ResidualBlock(inputs, outputs, stride=stride), ResidualBlock(outputs, outputs)
    )


def stem() -> tuple[nn.Module, ...]:
    """Return the layers in front of the first stage; together they shrink by 4."""
    return (
        nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
