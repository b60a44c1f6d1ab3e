"""What an MLPerf submission declares of its software and weights, in the schema's words."""

import re

from .. import schema
from . import tidy

# Declared spellings of numeric types beside the schema's own words.
SPELLED = {"bfloat16": "bf16", "float16": "fp16", "float8": "fp8", "mxfp4": "fp4", "uint8": "int8", "8-bit": "int8", "uint4": "int4"}
TYPES = {**{word: word for word in schema.PRECISIONS}, **SPELLED}
NO_TYPE = ("unset", "no change.")

# Main engine of the declared software, pattern -> name; the first that is found counts, vendors' engines before others.
# A pattern without a name finds the name itself.
VENDOR_ENGINES = {
    "tensorflow (?=.*tensorrt)": "tf-trt",
    "qualcomm cloud ai": "qaic",
    "snapdragon neural processing engine": "snpe",
    "tflite for coral": "tflite-edgetpu",
    "furiosaai": "furiosa",
    "neural_engine": "neural-engine",
    "tensorrt|openvino|neuron|mera|hailo|moffett|sapeon|sima|rbln|synapse|imaigine|suinfer|rknn|deepsparse": None,
}
OTHER_ENGINES = {
    "armnn(?: tflite)?": "armnn",
    "tflite|tensorflow-lite": "tflite",
    "tvm": None,
    "onnx ?run-?time": "onnxruntime",
    "intel extension for pytorch": "ipex",
    r"tensorflow(?:_macos|-metal)?|tf-nightly|^tf\b": "tensorflow",
    "inaccel keras": "inaccel",
    "llmboost|vllm|sglang|shark-ai|pytorch|mxnet|flax|vodla|cuda": None,
}
VERSION = r"(?: sdk)?(?: version)?[\s=_-]*v?(\d+(?:\.\d+)*(?:-?rc\d+|a0|[-.]dev\d+)?)"

# Ways of running one machine that the folder name tells and nothing else does.
MODES = {
    "Triton": "server=triton",
    "_MaxQ": "power_mode=maxq",
    "_HeteroMultiUse": "load=hetero_multi_use",
    "_DepthPruned": "transform=depth_pruned",
    "_Sparse": "transform=sparse",
    "_LCM": "transform=lcm",
}

# FP32 weights declared with these are what was given in, not what ran: the rates are several times the FP32 peak of the device
# (TensorRT, VCK5000), its matrix units have no FP32 (Neuron), or 70 billion such weights exceed its memory (vLLM).
NEVER_FP32 = ("tensorrt", "neuron", "vllm")


def stack(raw, file):
    """Software, precision, sparsity and variant of each row."""
    software = _software(raw)
    runtimes = {text: _runtime(text) for text in software.dropna().unique()}
    declared = raw["weight_data_types"]
    types = {text: weight_types(text) for text in declared.dropna().unique()}
    tidy.refuse(raw, "weight_data_types", declared.map(types).isna() & declared.notna(), file, "a type such as int8")
    types = declared.map(types)
    runtime = software.map(lambda text: runtimes[text][0], na_action="ignore")
    single = types.str.len() == 1
    overstated = single & (types.str[0] == "fp32") & (runtime.isin(NEVER_FP32) | raw["accelerator"].str.contains("VCK5000", na=False))
    return raw[[]].assign(
        runtime=runtime,
        runtime_version=software.map(lambda text: runtimes[text][1], na_action="ignore"),
        tuning=software.map(lambda text: runtimes[text][2], na_action="ignore"),
        precision=types.str[0].where(single & ~overstated),
        sparsity=_sparsity(raw["model"]),
        variant=_variant(raw, types.str.join(",").where((types.str.len() > 1) | overstated)),
    )


def _software(raw):
    """The declared framework; TensorRT where only the folder tells it, nothing where a CPU cannot have run it."""
    vague = raw["framework"].str.match("CUDA|NGC|Triton", na=False) & raw["system"].str.contains("_TRT", regex=False)
    software = raw["framework"].mask(vague, "TensorRT")
    return software.mask(raw["accelerator"].isna() & software.str.contains("TensorRT", na=False))


def _runtime(text):
    """(name, version, tuning) of the main engine in the declared software `text`; None where unknown."""
    for pattern, name in {**VENDOR_ENGINES, **OTHER_ENGINES}.items():
        found = re.search(f"({pattern})(?:{VERSION})?", text.lower())
        if found:
            return name or found[1], found[2], "engine" if pattern in VENDOR_ENGINES else None
    return None, None, None


def weight_types(text):
    """Weight types declared in `text` as words of the schema, in order; None where it says nothing that is known."""
    text = text.lower()
    if text in NO_TYPE:
        return []
    # Of the parts of a diffusion model the U-Net does nearly all the work; "from a to b" means b.
    text = re.sub(r".*unet\W+(\w+).*", r"\1", text).rpartition(" to ")[2]
    found = re.findall("|".join(TYPES), text)
    return list(dict.fromkeys(TYPES[word] for word in found)) or None


def _sparsity(model):
    """Share of zero weights where the model's name states it, as pruned90 or 95sparse do."""
    digits = model.str.extract(r"pruned([0-9]{2})(?!\.)|([0-9]{2})sparse")
    return ("0." + digits[0].fillna(digits[1])).astype("float64")


def _variant(raw, weights):
    target = raw["model"].str.extract(r"-(99(?:\.9)?)(?=$|_)")[0]
    words = {f"accuracy={value}": target == value for value in ("99", "99.9")}
    words |= {f"weights={value}": weights == value for value in weights.dropna().unique()}
    words |= {word: raw["system"].str.contains(tag, regex=False) for tag, word in MODES.items()}
    words["transform=pruned"] = raw["weight_transformations"].str.contains("pruning", na=False)
    return tidy.joined(words)
