"""One labelled control for each answer of `Workload`: what it shows, how its text is read, and the place where it is refused."""

from html import escape
from typing import NamedTuple

import ipywidgets

from .. import data, schema
from ..ownership import Ownership
from ..presets import PRESETS
from ..rows import usable
from ..workload import COUNTS, NUMBERS, PERCENTILES, PRIORITIES

FIVE = {
    "model": "Which model?",
    "latency_ms": "How much does performance matter? Longest latency allowed, ms",
    "priority": "Latency or throughput? What the ranking goes by",
    "batch_size": "Small or large batch? Samples a call",
    "premium_per_doubling": "How much cost for how much performance? Share by which twice the performance may cost more",
}
MORE = {
    "Load": {
        "requests_per_s": "Requests a second (mean)",
        "peak_factor": "Peak rate over mean rate",
        "latency_percentile": "Percent of the requests that must keep to the latency",
        "weights": "Several criteria at once, instead of one",
    },
    "Number formats, accuracy and evidence": {
        "precisions": "Number formats allowed",
        "accuracy_loss": "Largest loss of accuracy, percent of the reference",
        "evidence": "Kinds of evidence allowed",
    },
    "Money and place": {
        "usd_per_hour": "Largest price of machine or fleet, $/h",
        "usd_per_million": "Largest cost of a million inferences, $",
        "pricing": "Terms of renting, or purchase",
        "providers": "Only these providers",
        "regions": "Only these regions",
        "utilisation": "Share of the paid time that does work",
        "hours_per_day": "Hours a day that it is needed",
        "ownership": "Assumptions for bought machines",
    },
    "Energy and where it stands": {
        "power_w": "Largest power of the machine, W",
        "segment": "Where it stands",
        "grid_region": "Electricity of which region, for carbon",
    },
    "Language models": {
        "ttft_ms": "Longest time to the first token, ms",
        "tpot_ms": "Longest time per output token, ms",
        "input_tokens": "Length of the prompt, tokens",
        "output_tokens": "Length of the answer, tokens",
        "concurrency": "Requests in flight",
    },
}
SERVING = "Language models"
HINTS = {
    "weights": "such as cost=2,latency=1",
    "precisions": "all; such as fp16,int8",
    "evidence": "all; such as audited,published,derived",
    "pricing": ", ".join(schema.PRICINGS),
    "providers": "all; such as aws,gcp",
    "regions": "all; such as us-east-1",
    "ownership": "such as years=4,usd_per_kwh=0.2",
    "premium_per_doubling": "nothing; 0.5 is half as much again",
    "input_tokens": "any",
    "output_tokens": "any",
    "concurrency": "any",
}
RANKED_BY = {"cost": "lowest cost", "throughput": "highest throughput", "latency": "lowest latency", "energy": "least energy"}


class Control(NamedTuple):
    """An input, the place beneath it for the sentence that refuses what was typed, and the box that holds both."""

    field: str
    input: ipywidgets.DOMWidget
    refusal: ipywidgets.HTML
    box: ipywidgets.VBox


def control(field, words, model):
    """The control of `field` labelled `words`; `model` decides which batch sizes there are."""
    style = {"description_width": "initial"}
    if field == "model":
        made = ipywidgets.Combobox(options=_models(), continuous_update=False, description=words, style=style)
    elif options := _options(field, model):
        made = ipywidgets.Dropdown(options=options, description=words, style=style)
    else:
        made = ipywidgets.Text(placeholder=HINTS.get(field, "no limit"), continuous_update=False, description=words, style=style)
    refusal = ipywidgets.HTML()
    return Control(field, made, refusal, ipywidgets.VBox([made, refusal]))


def presets():
    """A menu of the common cases."""
    cases = [("your own answers", ""), *((words.partition(":")[0], name) for name, (words, _) in PRESETS.items())]
    return ipywidgets.Dropdown(options=cases, description="Start from a common case", style={"description_width": "initial"})


def fold(title, children):
    """A button that shows and hides `children`; ipywidgets' own accordion cannot be reached with the keyboard."""
    button = ipywidgets.ToggleButton(description=f"{title}: show", layout={"width": "auto"})
    inner = ipywidgets.VBox(children, layout={"display": "none"})

    def turn(change):
        button.description = f"{title}: {'hide' if change['new'] else 'show'}"
        inner.layout.display = None if change["new"] else "none"

    button.observe(turn, "value")
    return ipywidgets.VBox([button, inner])


def answer(control):
    """What the control says, as a value for `Workload`: None for nothing, a number where it reads as one, else the text for it to judge."""
    value = control.input.value
    if not isinstance(value, str):
        return value
    text = value.strip()
    return _number(text) if control.field in (*NUMBERS, *COUNTS) else text or None


def show(control, workload):
    """Write the answer of `workload` into its control, and take back a refusal."""
    value = getattr(workload, control.field)
    if control.field == "batch_size":
        offer(control.input, _batch_sizes(workload.model, value))
    control.input.value = value if control.input.has_trait("index") and value is not None else _text(value)
    refuse(control, "")


def offer(menu, options):
    """Give `menu` other options; the same ones again would undo what somebody chooses meanwhile."""
    if list(menu.options) != options:
        menu.options = options


def refuse(control, sentence):
    """Say beneath the control why what it says is refused; nothing takes it back."""
    control.refusal.value = f'<div class="hw-refused" role="alert">Not taken: {escape(sentence)}</div>' if sentence else ""


def _models():
    counts = data.load("measurements")["model_id"].value_counts()
    return [*counts.index]


def _options(field, model):
    return {
        "priority": [(RANKED_BY[name], name) for name in PRIORITIES],
        "latency_percentile": [(f"{share} %", share) for share in PERCENTILES],
        "segment": [("anywhere", ""), *((name, name) for name in schema.SEGMENTS)],
        "grid_region": [("not asked", ""), *((name, name) for name in sorted(data.load_grid()["region"].unique()))],
        "batch_size": _batch_sizes(model, "any"),
    }.get(field)


def _batch_sizes(model, chosen):
    """Every batch size that somebody measured, and the one chosen."""
    sizes = {int(size) for size in usable(model)["batch_size"].dropna().unique()} | ({chosen} - {"any"})
    return [("any", "any"), *((f"{size:,}", size) for size in sorted(sizes))]


def _number(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text or None


def _text(value):
    """An answer as one would type it."""
    if value is None:
        return ""
    if isinstance(value, Ownership):
        value = tuple((name, number) for name, number in vars(value).items() if number != getattr(Ownership(), name))
    if isinstance(value, tuple):
        return ",".join(f"{part[0]}={part[1]:.10g}" if isinstance(part, tuple) else part for part in value)
    return f"{value:.10g}" if isinstance(value, float) else str(value)
