"""The cases of the capstone, as on the cards in `notebooks/workshop/cases`: each has a model of its own."""

from ..errors import HwlibError
from ..workload import Workload

# Card -> the fields of its workload; what is not named stays at its default.
CASES = {
    "shop": {"model": "resnet50", "requests_per_s": 300, "latency_ms": 50, "usd_per_hour": 2},
    "help_desk": {"model": "bert-large", "requests_per_s": 500, "latency_ms": 50, "usd_per_hour": 5},
    "clinic": {"model": "3d-unet-kits19", "requests_per_s": 0.1, "latency_ms": 20_000, "usd_per_hour": 3},
    "crossing": {"model": "ssd-resnet34", "requests_per_s": 120, "latency_ms": 33, "usd_per_hour": 3},
    "chat": {"model": "llama-2-70b", "ttft_ms": 2_000, "tpot_ms": 200, "usd_per_hour": 100},
}


def card_of(model):
    """The `Workload` on the card with `model`.

    >>> card_of("resnet50").latency_ms
    50
    """
    for case in CASES.values():
        if case["model"] == model:
            return Workload(**case)
    raise HwlibError(f"no card has the model {model!r}; the cards are {', '.join(CASES)}")
