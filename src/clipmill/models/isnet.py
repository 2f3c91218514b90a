"""IS-Net (Qin et al., "Highly Accurate Dichotomous Image Segmentation", ECCV 2022).

Tells for each pixel how sure it is that a person would count it to the foreground. The published
graph is fixed at 1024 x 1024. It is made free in height and width here, in memory: every layer
but the upsamplings takes any size, and each of those doubles, so a constant size becomes a factor
of 2. What only training uses (five side masks) is cut off, and weights stored in half precision
become float32, which is what a CPU computes in. One session then serves every size.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from onnx.utils import Extractor
from onnxruntime.capi import onnxruntime_pybind11_state as runtime_errors

from clipmill.errors import UsageError
from clipmill.models.heap import give_back_memory

SIDE = 1024
"""The side that the network was trained at, in pixels."""

STEP = 64
"""Heights and widths are multiples of this: the network halves them six times."""

_LEAST = 0.75  # of the longer side; thinner pictures are squeezed
_ROUND = 1e-6  # a side that fits exactly takes no step more
_MEAN, _RANGE = 128.0, 256.0
_STRIDES = (2, 4, 8, 16, 32, 64)
_FIRST_MAP = 6
"""Outputs of the published graph: the mask, five side masks, one feature map a stride."""

_DOUBLE = "factors_of_upsampling"
_UNFIT = (
    runtime_errors.Fail,
    runtime_errors.InvalidArgument,
    runtime_errors.InvalidGraph,
    runtime_errors.InvalidProtobuf,
    runtime_errors.NotImplemented,
    runtime_errors.RuntimeException,
)

Picture = npt.NDArray[np.uint8]
SoftMask = npt.NDArray[np.float32]


class IsNet:
    """The network, loaded.

    Args:
        path: The ONNX file.
        threads: Threads of one run; masks do not depend on their number.
        strides: Of the feature maps that `with_maps` returns; some of 2, 4, 8, 16, 32, 64.

    Raises:
        UsageError: There is no such file, it is damaged, or it is not this network.
    """

    def __init__(self, path: str | Path, *, threads: int = 1, strides: Sequence[int] = ()) -> None:
        self._path = Path(path)
        self._strides = tuple(strides)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Plans of memory are kept for every size met; without them 1024 takes 0.4 GB less.
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        try:
            self._session = _session(_free_in_size(_read(self._path), self._strides), options)
            give_back_memory()
            self._run(np.zeros((STEP, STEP, 3), np.uint8))
        except (*_UNFIT, ValueError) as error:
            raise self._unfit(str(error)) from error

    def __call__(self, picture: Picture, side: int = SIDE) -> SoftMask:
        """Return the foreground of a picture.

        Args:
            picture: uint8 [H, W, 3], RGB.
            side: Longer side of the picture as the network sees it, in pixels, a multiple of 64.
                The shorter side keeps the picture's shape, but is three quarters of it at least:
                the network was trained with squares.

        Returns:
            float32 [H, W] in [0, 1].

        Raises:
            ValueError: The side is not a multiple of 64.
        """
        return self.with_maps(picture, side)[0]

    def with_maps(
        self, picture: Picture, side: int = SIDE
    ) -> tuple[SoftMask, tuple[npt.NDArray[np.float32], ...]]:
        """Return the foreground and the feature maps that the constructor was asked for.

        Args:
            picture: uint8 [H, W, 3], RGB.
            side: As in `__call__`.

        Returns:
            float32 [H, W] in [0, 1]; for each stride float32 [C, h / stride, w / stride], where
            h and w are the size at which the network sees the picture.

        Raises:
            ValueError: The side is not a multiple of 64.
        """
        _check_side(side)
        height, width = picture.shape[:2]
        mask, *maps = self._run(_resize(picture, *_shape_in(height, width, side)))
        return _fitted(mask, height, width), tuple(maps)

    def _run(self, picture: Picture) -> list[npt.NDArray[np.float32]]:
        """Run the network on a picture of its size; every output without its batch axis."""
        values = (picture.astype(np.float32) - _MEAN) / _RANGE
        feed = {self._session.get_inputs()[0].name: values.transpose(2, 0, 1)[None]}
        mask, *maps = (output[0] for output in self._session.run(None, feed))
        if mask.shape != (1, *picture.shape[:2]):
            raise ValueError(f"its mask of {picture.shape[:2]} pixels has the shape {mask.shape}")
        return [mask, *maps]

    def _unfit(self, reason: str) -> UsageError:
        return UsageError(
            f"{self._path} is not the ONNX file of IS-Net, or it is damaged ({reason}). "
            "Remove it and run: clipmill models pull isnet"
        )


def _session(graph: bytes, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    """Load a graph by way of a file: from bytes the runtime keeps 0.2 GB of copies of them."""
    with TemporaryDirectory(prefix="clipmill-") as folder:
        path = Path(folder) / "isnet.onnx"
        path.write_bytes(graph)
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _read(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load_model_from_string(path.read_bytes())
    except OSError as error:
        raise UsageError(f"the weights of IS-Net cannot be read: {error}") from error
    except DecodeError as error:
        raise ValueError("no ONNX graph") from error


def _free_in_size(model: onnx.ModelProto, strides: Sequence[int]) -> bytes:
    """Return the graph for any size, as bytes: float32, with the wanted outputs only.

    Args:
        model: As published, fixed in size.
        strides: Of the wanted feature maps.

    Raises:
        ValueError: The graph has other inputs or outputs than the published one.
    """
    outputs = [value.name for value in model.graph.output]
    if len(model.graph.input) != 1 or not outputs:
        raise ValueError(f"{len(model.graph.input)} inputs and {len(outputs)} outputs")
    positions = [_FIRST_MAP + _STRIDES.index(stride) for stride in strides]
    if positions and len(outputs) <= max(positions):
        raise ValueError(f"{len(outputs)} outputs, among them no feature maps")
    wanted = [outputs[0], *(outputs[position] for position in positions)]
    part: Any = Extractor(model).extract_model([model.graph.input[0].name], wanted)
    graph = part.graph
    # Shapes of the published size; the runtime finds those of each run itself.
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.ClearField("shape")
    for tensor in graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT16:
            whole = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(whole, tensor.name))
    graph.initializer.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), _DOUBLE))
    for node in graph.node:
        if node.op_type == "Resize":
            # Inputs: data, region, factors, and the size in place of factors.
            node.input[:] = [node.input[0], "", _DOUBLE]
        if node.op_type == "Cast":
            # Between half and single precision, around the upsamplings.
            node.op_type = "Identity"
            del node.attribute[:]
    return bytes(part.SerializeToString())


def _check_side(side: int) -> None:
    if side < STEP or side % STEP:
        raise ValueError(f"IS-Net takes sides that are multiples of {STEP}, not {side}")


def _shape_in(height: int, width: int, side: int) -> tuple[int, int]:
    """Return height and width of a picture within a square, in steps that the network takes."""
    scale = side / max(height, width)
    least = math.ceil(_LEAST * side / STEP)
    steps = (max(least, math.ceil(extent * scale / STEP - _ROUND)) for extent in (height, width))
    down, across = (min(side, STEP * count) for count in steps)
    return down, across


def _fitted(mask: npt.NDArray[np.float32], height: int, width: int) -> SoftMask:
    """Return the network's mask [1, 1, h, w] at the size of the picture."""
    return np.asarray(np.clip(_resize(mask[0], height, width), 0.0, 1.0), np.float32)


def _resize(values: Any, height: int, width: int) -> Any:
    """Resize a picture [H, W, 3] or a mask [1, H, W], which loses its first axis."""
    plane = values[0] if values.shape[0] == 1 and values.ndim == 3 else values
    shrinks = height <= plane.shape[0] and width <= plane.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(plane, (width, height), interpolation=way)
