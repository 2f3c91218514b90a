import os
import subprocess
import sys


def test_onnx_runtime_reports_nothing(tmp_path):
    code = (
        "import clipmill, onnx, onnxruntime\n"
        "from onnx import TensorProto, helper\n"
        "x = helper.make_tensor_value_info('x', TensorProto.FLOAT, [1])\n"
        "y = helper.make_tensor_value_info('y', TensorProto.FLOAT, [1])\n"
        "graph = helper.make_graph([helper.make_node('Neg', ['x'], ['y'])], 'g', [x], [y])\n"
        "model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])\n"
        "model.ir_version = 8\n"
        "onnxruntime.InferenceSession(model.SerializeToString())\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment | {"HOME": str(tmp_path)}
    )
    assert not list(tmp_path.rglob("*onnxruntime*"))
