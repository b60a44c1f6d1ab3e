"""Well-known networks as ONNX files, built from their public definitions with random weights: their speed does not depend on the values."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
IR_VERSION = 10


class Builder:
    """A graph under construction: each method adds a node and returns the name of what it puts out."""

    def __init__(self, seed=0):
        self.nodes, self.weights = [], []
        # One block of random numbers, used again and again: a hundred million fresh ones take seconds and change nothing.
        self.block = np.random.default_rng(seed).standard_normal(2**20 + 1, dtype="float32")

    def node(self, operator, inputs, **attributes):
        """Any operator with one output."""
        output = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def array(self, values, dtype="float32"):
        """A constant with the given values."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weight(self, *shape, scale=None):
        """Random weights that keep the size of activations about as it is."""
        scale = scale or np.sqrt(2 / max(1, np.prod(shape[1:])))
        return self.array(np.resize(self.block * np.float32(scale), shape))

    def conv(self, x, channels_in, channels_out, kernel, stride=1, groups=1, bias=False, pads=None):
        """A convolution that keeps the size at stride 1 unless told otherwise."""
        weights = [self.weight(channels_out, channels_in // groups, kernel, kernel)]
        weights += [self.weight(channels_out, scale=0.01)] if bias else []
        pads = [(kernel - 1) // 2] * 4 if pads is None else pads
        return self.node("Conv", [x, *weights], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads, group=groups)

    def norm(self, x, channels):
        """Batch normalisation with its four vectors."""
        vectors = [self.array(np.full(channels, value)) for value in (1.0, 0.0, 0.0, 1.0)]
        return self.node("BatchNormalization", [x, *vectors])

    def layer_norm(self, x, width, epsilon):
        """Normalisation over the last axis."""
        return self.node("LayerNormalization", [x, self.array(np.ones(width)), self.array(np.zeros(width))], epsilon=epsilon)

    def linear(self, x, width_in, width_out):
        """A product with weights, and a bias."""
        product = self.node("MatMul", [x, self.weight(width_in, width_out, scale=width_in**-0.5)])
        return self.node("Add", [product, self.weight(width_out, scale=0.01)])

    def dense(self, x, width_in, width_out):
        """A classifier's last layer."""
        return self.node("Gemm", [x, self.weight(width_out, width_in), self.weight(width_out, scale=0.01)], transB=1)

    def silu(self, x):
        """x times its sigmoid."""
        return self.node("Mul", [x, self.node("Sigmoid", [x])])

    def relu6(self, x):
        """x cut off below 0 and above 6."""
        return self.node("Clip", [x, self.array(0.0), self.array(6.0)])

    def reshape(self, x, *shape):
        """Another shape of the same values; 0 keeps an axis."""
        return self.node("Reshape", [x, self.array(shape, "int64")])

    def model(self, inputs, outputs):
        """The finished model; `inputs` are name -> (type, shape), `outputs` are name -> number of axes."""
        values = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()]
        results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * axes) for name, axes in outputs.items()]
        graph = helper.make_graph(self.nodes, "network", values, results, self.weights)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(made)
        return made


def _image(size):
    return {"image": (TensorProto.FLOAT, ["batch", 3, size, size])}


def resnet50():
    """ResNet-50 v1.5 (He and others, 2015; stride on the 3x3 convolution) at 224."""
    b = Builder()
    x = b.node("Relu", [b.norm(b.conv("image", 3, 64, 7, 2), 64)])
    x, width = b.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4), 64
    for inner, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            step, outer = stride if block == 0 else 1, 4 * inner
            y = b.node("Relu", [b.norm(b.conv(x, width, inner, 1), inner)])
            y = b.node("Relu", [b.norm(b.conv(y, inner, inner, 3, step), inner)])
            y = b.norm(b.conv(y, inner, outer, 1), outer)
            short = b.norm(b.conv(x, width, outer, 1, step), outer) if block == 0 else x
            x, width = b.node("Relu", [b.node("Add", [y, short])]), outer
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x])])
    return b.model(_image(224), {b.dense(x, width, 1000): 2})


def mobilenet_v2():
    """MobileNet v2 at width 1 (Sandler and others, 2018) at 224."""
    b = Builder()
    x, width = b.relu6(b.norm(b.conv("image", 3, 32, 3, 2), 32)), 32
    plan = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expand, outer, blocks, stride in plan:
        for block in range(blocks):
            step, inner = stride if block == 0 else 1, width * expand
            y = x if expand == 1 else b.relu6(b.norm(b.conv(x, width, inner, 1), inner))
            y = b.relu6(b.norm(b.conv(y, inner, inner, 3, step, groups=inner), inner))
            y = b.norm(b.conv(y, inner, outer, 1), outer)
            x, width = b.node("Add", [x, y]) if step == 1 and width == outer else y, outer
    x = b.relu6(b.norm(b.conv(x, width, 1280, 1), 1280))
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x])])
    return b.model(_image(224), {b.dense(x, 1280, 1000): 2})


def efficientnet_b0():
    """EfficientNet-B0 (Tan and Le, 2019) at 224."""
    b = Builder()
    x, width = b.silu(b.norm(b.conv("image", 3, 32, 3, 2), 32)), 32
    plan = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))
    for expand, outer, blocks, stride, kernel in plan:
        for block in range(blocks):
            step, inner = stride if block == 0 else 1, width * expand
            y = x if expand == 1 else b.silu(b.norm(b.conv(x, width, inner, 1), inner))
            y = b.silu(b.norm(b.conv(y, inner, inner, kernel, step, groups=inner), inner))
            y = _squeeze_excite(b, y, inner, width // 4)
            y = b.norm(b.conv(y, inner, outer, 1), outer)
            x, width = b.node("Add", [x, y]) if step == 1 and width == outer else y, outer
    x = b.silu(b.norm(b.conv(x, width, 1280, 1), 1280))
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x])])
    return b.model(_image(224), {b.dense(x, 1280, 1000): 2})


def _squeeze_excite(b, x, width, narrow):
    gate = b.silu(b.conv(b.node("GlobalAveragePool", [x]), width, narrow, 1, bias=True))
    return b.node("Mul", [x, b.node("Sigmoid", [b.conv(gate, narrow, width, 1, bias=True)])])


def yolov3():
    """YOLOv3 (Redmon and Farhadi, 2018) with 80 classes at 416: Darknet-53 and three heads."""
    b = Builder()

    def layer(x, channels_in, channels_out, kernel, stride=1):
        return b.node("LeakyRelu", [b.norm(b.conv(x, channels_in, channels_out, kernel, stride), channels_out)], alpha=0.1)

    def neck(x, channels_in, width):
        for index in range(5):
            kernel, wide = (1, width) if index % 2 == 0 else (3, 2 * width)
            x, channels_in = layer(x, channels_in, wide, kernel), wide
        return x

    def head(x, width):
        return b.conv(layer(x, width, 2 * width, 3), 2 * width, 255, 1, bias=True)

    def up(x, width, skip):
        x = layer(x, width, width // 2, 1)
        x = b.node(
            "Resize", [x, "", b.array([1, 1, 2, 2])], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
        )
        return b.node("Concat", [x, skip], axis=1)

    x, width, skips = layer("image", 3, 32, 3), 32, []
    for blocks in (1, 2, 8, 8, 4):
        x, width = layer(x, width, 2 * width, 3, 2), 2 * width
        for _ in range(blocks):
            x = b.node("Add", [x, layer(layer(x, width, width // 2, 1), width // 2, width, 3)])
        skips.append(x)
    outputs, channels_in = [], 1024
    for width, skip in ((512, skips[3]), (256, skips[2]), (128, None)):
        x = neck(x, channels_in, width)
        outputs.append(head(x, width))
        if skip:
            x, channels_in = up(x, width, skip), width // 2 + width
    return b.model(_image(416), dict.fromkeys(outputs, 4))


def _attention(b, x, width, heads, length, mask=None):
    """Multi-head attention over `x` of shape (batch, length, width)."""
    each = width // heads

    def split(part, order):
        return b.node("Transpose", [b.reshape(b.linear(part, width, width), 0, length, heads, each)], perm=order)

    query, key, value = split(x, (0, 2, 1, 3)), split(x, (0, 2, 3, 1)), split(x, (0, 2, 1, 3))
    scores = b.node("Mul", [b.node("MatMul", [query, key]), b.array(each**-0.5)])
    scores = b.node("Softmax", [b.node("Add", [scores, mask]) if mask else scores], axis=-1)
    mixed = b.node("Transpose", [b.node("MatMul", [scores, value])], perm=(0, 2, 1, 3))
    return b.linear(b.reshape(mixed, 0, length, width), width, width)


def _mlp(b, x, width):
    return b.linear(b.node("Gelu", [b.linear(x, width, 4 * width)]), 4 * width, width)


def vit_b16():
    """ViT-B/16 (Dosovitskiy and others, 2020) at 224."""
    b, width, length = Builder(), 768, 197
    patches = b.reshape(b.conv("image", 3, width, 16, 16, bias=True, pads=[0] * 4), 0, width, length - 1)
    patches = b.node("Transpose", [patches], perm=(0, 2, 1))
    samples = b.node("Shape", ["image"], start=0, end=1)
    token = b.node("Expand", [b.weight(1, 1, width, scale=0.02), b.node("Concat", [samples, b.array([1, width], "int64")], axis=0)])
    x = b.node("Add", [b.node("Concat", [token, patches], axis=1), b.weight(1, length, width, scale=0.02)])
    for _ in range(12):
        x = b.node("Add", [x, _attention(b, b.layer_norm(x, width, 1e-6), width, 12, length)])
        x = b.node("Add", [x, _mlp(b, b.layer_norm(x, width, 1e-6), width)])
    first = b.node("Gather", [b.layer_norm(x, width, 1e-6), b.array(0, "int64")], axis=1)
    return b.model(_image(224), {b.dense(first, width, 1000): 2})


def bert_base():
    """BERT-Base, uncased (Devlin and others, 2018), with pooler, at 128 tokens."""
    b, width, length = Builder(), 768, 128
    ids = {name: (TensorProto.INT64, ["batch", length]) for name in ("input_ids", "attention_mask", "token_type_ids")}
    tables = {"input_ids": b.weight(30_522, width, scale=0.02), "token_type_ids": b.weight(2, width, scale=0.02)}
    words, kinds = (b.node("Gather", [table, name]) for name, table in tables.items())
    places = b.node("Slice", [b.weight(512, width, scale=0.02), b.array([0], "int64"), b.array([length], "int64"), b.array([0], "int64")])
    x = b.layer_norm(b.node("Add", [b.node("Add", [words, kinds]), places]), width, 1e-12)
    seen = b.node("Cast", [b.node("Unsqueeze", ["attention_mask", b.array([1, 2], "int64")])], to=TensorProto.FLOAT)
    mask = b.node("Mul", [b.node("Sub", [b.array(1.0), seen]), b.array(-10_000.0)])
    for _ in range(12):
        x = b.layer_norm(b.node("Add", [x, _attention(b, x, width, 12, length, mask)]), width, 1e-12)
        x = b.layer_norm(b.node("Add", [x, _mlp(b, x, width)]), width, 1e-12)
    first = b.node("Gather", [x, b.array(0, "int64")], axis=1)
    return b.model(ids, {x: 3, b.node("Tanh", [b.dense(first, width, width)]): 2})


def lstm(width_in=40, hidden=256, layers=2, length=100, classes=29):
    """A small recurrent network: two LSTM layers of 256 over 100 steps of 40 features, then 29 classes."""
    b = Builder()
    x, width = b.node("Transpose", ["features"], perm=(1, 0, 2)), width_in
    for _ in range(layers):
        weights = [b.weight(1, 4 * hidden, width), b.weight(1, 4 * hidden, hidden), b.weight(1, 8 * hidden, scale=0.01)]
        x, width = b.reshape(b.node("LSTM", [x, *weights], hidden_size=hidden), 0, -1, hidden), hidden
    x = b.linear(b.node("Transpose", [x], perm=(1, 0, 2)), hidden, classes)
    return b.model({"features": (TensorProto.FLOAT, ["batch", length, width_in])}, {x: 3})


# The network as the tables of measurements know it -> how it is built.
NETWORKS = {
    "resnet50": resnet50,
    "mobilenet-v2": mobilenet_v2,
    "efficientnet-b0": efficientnet_b0,
    "yolov3-416": yolov3,
    "vit-base-patch16-224": vit_b16,
    "bert-base-seq128": bert_base,
    "lstm-2x256-seq100": lstm,
}
