"""What an index says of a report: a few figures of its decision, and what changed since the last."""

SHOWN = (
    "device_id",
    "device",
    "device_class",
    "device_count",
    "instance_type",
    "provider",
    "region",
    "usd_per_hour",
    "usd_per_100k",
    "throughput_per_s",
    "throughput_unit",
    "latency_ms",
    "joules_per_inference",
    "batch_size",
    "precision",
    "evidence",
    "source_id",
)
OTHERS = 8  # devices of the small chart
METRICS = {"cost": "usd_per_100k", "throughput": "throughput_per_s", "latency": "latency_ms", "energy": "joules_per_inference"}
WORDS = {column: word for word, column in METRICS.items()}
NOTICEABLE = 0.005  # a change by less is not worth a sentence


def of(decision):
    """The part of a decision (as `Decision.to_dict` has it) that the index shows, as a small dict."""
    metric = METRICS[decision["workload"]["priority"]]
    best = decision["best"]
    return {
        "headline": decision["explanation"][0] if decision["explanation"] else "",
        "metric": metric,
        "best": best and {name: best.get(name) for name in SHOWN},
        "runner_up": decision["runner_up"] and decision["runner_up"]["device"],
        "margin": decision["margin"],
        "devices": _devices(decision["options"], metric),
        "options": len(decision["options"]),
    }


def _devices(options, metric):
    """The best figure of each of the first devices, with the machine it is had on and that one's price."""
    found = {}
    for option in options:
        if option[metric] is not None and option["device"] not in found and len(found) < OTHERS:
            found[option["device"]] = [option["device"], option[metric], _machine(option), option["usd_per_hour"]]
    return list(found.values())


def changes(before, now):
    """What changed from one summary to the next, in words; nothing where there is no earlier one.

    >>> t4 = {"device": "T4", "instance_type": "g4dn.xlarge", "provider": "aws", "usd_per_100k": 2.0, "usd_per_hour": 1.0}
    >>> l4 = {"device": "L4", "instance_type": "g6.xlarge", "provider": "aws", "usd_per_100k": 1.8, "usd_per_hour": 0.92}
    >>> before = {"metric": "usd_per_100k", "best": t4, "devices": [["T4", 2.0, "g4dn.xlarge (aws)", 1.0], ["L4", 2.1, "g6.xlarge (aws)", 1.0]]}
    >>> changes(before, {"metric": "usd_per_100k", "best": l4, "devices": [["L4", 1.8, "g6.xlarge (aws)", 0.92]]})
    ['winner changed: T4 -> L4', 'price of g6.xlarge (aws) −8 %', 'cost −10 %']
    """
    if before is None or before["metric"] != now["metric"]:
        return []
    was, best = before["best"] or {}, now["best"] or {}
    said = []
    if was.get("device") != best.get("device"):
        said.append(f"winner changed: {was.get('device') or 'none'} -> {best.get('device') or 'none'}")
    prices = {machine: price for *_, machine, price in before["devices"]}
    said += _moved(f"price of {_machine(best)}", prices.get(_machine(best)), best.get("usd_per_hour"))
    metric = now["metric"]
    return said + _moved(WORDS[metric], was.get(metric), best.get(metric))


def _machine(option):
    return f"{option['instance_type']} ({option['provider']})" if option.get("instance_type") else None


def _moved(what, before, now):
    if not before or not now or abs(now / before - 1) < NOTICEABLE:
        return []
    return [f"{what} {100 * (now / before - 1):+.0f} %".replace("-", "−") if abs(now / before - 1) < 10 else f"{what} × {now / before:.3g}"]
