"""Common cases that a decision can start from: the scenarios of articles on choosing inference hardware, as answers."""

from .errors import HwlibError, unknown
from .workload import asked

# Name -> what it is about, and its answers; the figures are round starting points to be changed, not measurements.
PRESETS = {
    "web_images": (
        "Image classification in a web service: an answer in 50 ms, 100 requests a second with peaks",
        {"model": "resnet50", "latency_ms": 50, "latency_percentile": 99, "requests_per_s": 100, "peak_factor": 3},
    ),
    "video_streams": (
        "Large images or video in real time: each frame within 33 ms, nothing to batch",
        {"model": "ssd-resnet34", "priority": "latency", "latency_ms": 33, "batch_size": 1, "premium_per_doubling": 0.5},
    ),
    "offline_archive": (
        "Offline batch over an archive: only the bill counts",
        {"model": "resnet50", "priority": "cost", "pricing": "on_demand,spot"},
    ),
    "medical_images": (
        "Medical images one at a time: a few an hour, each answered soon, no accuracy to lose",
        {"model": "3d-unet-brats19", "latency_ms": 5_000, "requests_per_s": 0.01, "accuracy_loss": 0.1},
    ),
    "edge_camera": (
        "A camera at the edge on a power budget: 15 W, one frame at a time",
        {"model": "mobilenet-v2", "priority": "latency", "segment": "edge", "batch_size": 1, "power_w": 15},
    ),
    "llm_chat": (
        "Chat with a language model: first token within half a second, then faster than one reads",
        {"model": "llama-2-70b", "ttft_ms": 500, "tpot_ms": 50},
    ),
}


def preset(name=None, model=None, **changes):
    """The `Workload` of a common case, for its usual model or another one, with some answers changed.

    Parameters
    ----------
    name : str, optional
        A key of `PRESETS`; None for no case, which needs a model.
    model : str, optional
        `model_id` in place of the case's own.
    **changes
        Fields of `Workload` in place of the case's answers.

    Raises
    ------
    HwlibError
        For an unknown case, neither case nor model, or a faulty answer.

    Examples
    --------
    >>> preset("edge_camera", power_w=5).power_w
    5
    """
    if name is None and model is None:
        raise HwlibError("decide: name a model (`hwlib models` lists them) or a preset (`hwlib presets`)")
    if name is not None and name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    answers = dict(PRESETS[name][1]) if name else {}
    usual = answers.pop("model", None)
    return asked(model or usual, answers | changes)
