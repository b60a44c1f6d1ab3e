"""The ways in which two measured rows can be unlike, each a rule that looks at both and says so in words.

A rule takes the facts of two rows and returns a verdict with a sentence, or None. A fact that neither row states is no
difference. Some pitfalls leave no trace in the tables, and no rule here can see them: whether a published error was found
on the data that a model was fitted to; whether a time per output token includes the first token, and whether a time to
the first token is a mean or a median; clocks, heat and warm-up that a source does not report; prompts that suit
speculative decoding; and host work where a source does not say what it timed.
"""

import pandas as pd

ALIKE, CAVEAT, REFUSED = "alike", "alike with a caveat", "not comparable"

# Up to this factor between batch sizes a reader can still see the same regime; beyond it another one.
BATCH_FACTOR = 4
# A prompt or answer more than twice as long is other work.
LENGTH_FACTOR = 2
# Counters of operations agree this far on one network.
WORK_FACTOR = 1.05
# Providers change their lists about every quarter.
PRICE_AGE = pd.Timedelta(days=90)

# Unlike scenarios that still answer a similar question; any other unlike pair is refused.
SIMILAR_SCENARIOS = (
    {"offline", "batch_loop"},
    {"offline", "concurrent_loop"},
    {"batch_loop", "concurrent_loop"},
    {"batch_loop", "single_stream"},
    {"multi_stream", "batch_loop"},
)
# Scenarios whose question says nothing of the batch size.
FREE_BATCH = ("offline", "server", "interactive", "single_stream", "multi_stream", "multi_stream_fixed_rate")
# Figures that nobody measured as they stand.
MODELLED = ("derived", "estimated")
# What a variant says, and how to name it; an accuracy target and a way of counting tokens have rules of their own.
SETTINGS = {
    "timed": "timed",
    "approximate": "approximate figure",
    "power_mode": "power mode",
    "load": "load",
    "server": "server",
    "transform": "network",
    "dataset": "data set",
    "cores": "cores used",
    "instances": "copies on one device",
    "layout": "layout",
}
# These are stated wherever they hold, whoever publishes; of the others an unlike publisher may just be silent.
ALWAYS_STATED = ("timed", "approximate", "power_mode", "load", "server", "transform")
FLAGS = {
    "upper_bound": "one is an 'up to' figure",
    "throughput_from_latency": "the throughput of one is the inverse of its latency",
    "relative_only": "the publisher of one calls its timing relative",
    "third_party": "one was copied from somewhere else",
    "superseded": "the publisher of one no longer shows it",
    "inferred": "one is inferred by MLPerf's rules from another scenario",
    "community": "one was reported by users",
}


def _differ(column, verdict, words="{} against {}"):
    def rule(a, b):
        if a[column] is not None and b[column] is not None and a[column] != b[column]:
            return verdict, words.format(a[column], b[column])
        return None

    return rule


def _far_apart(column, words, factor):
    """A rule that refuses numbers more than `factor` apart, and marks those that are nearer."""

    def rule(a, b):
        pair = a[column], b[column]
        if None in pair or pair[0] == pair[1]:
            return None
        return REFUSED if max(pair) > factor * min(pair) else CAVEAT, words.format(*pair)

    return rule


def _model(a, b):
    if None in (a["model_id"], b["model_id"]) or a["model_id"] == b["model_id"]:
        return None
    work = f" ({a['gmacs']:.3g} against {b['gmacs']:.3g} GMAC)" if None not in (a["gmacs"], b["gmacs"]) else ""
    return REFUSED, f"different networks: {a['model_id']} against {b['model_id']}{work}"


def _work(a, b):
    work = a["gmacs"], b["gmacs"]
    if a["model_id"] != b["model_id"] or None in work or max(work) <= WORK_FACTOR * min(work):
        return None
    return REFUSED, f"{work[0]:.3g} against {work[1]:.3g} GMAC a sample"


def _scenario(a, b):
    pair = {a["scenario"], b["scenario"]}
    if len(pair) < 2 or None in pair:
        return None
    verdict = CAVEAT if pair in SIMILAR_SCENARIOS else REFUSED
    return verdict, f"{a['scenario']} against {b['scenario']}"


def _sale(a, b):
    pair = a["availability"], b["availability"]
    if pair[0] == pair[1] or {*pair} == {"available", None}:
        return None
    if None in pair:
        return CAVEAT, f"one is a {pair[0] or pair[1]} system, not known to be for sale"
    return REFUSED, f"{pair[0]} system against {pair[1]} system"


def _prompt(a, b):
    return (CAVEAT, "length of one prompt not stated") if (a["input_tokens"] is None) != (b["input_tokens"] is None) else None


_evidence = _differ("evidence", CAVEAT, "{} against {} figures")


def _modelled(a, b):
    return _evidence(a, b) if (a["evidence"] in MODELLED) != (b["evidence"] in MODELLED) else None


def _both_measured(a, b):
    return None if _modelled(a, b) else _evidence(a, b)


def _stack(a, b):
    if (a["precision"], a["tuning"]) == (b["precision"], b["tuning"]):
        return None
    words = [
        " ".join(filter(None, [row["tuning"] if a["tuning"] != b["tuning"] else None, row["precision"] or "unstated precision"]))
        for row in sorted((a, b), key=lambda row: row["tuning"] != "engine" and row["precision"] != "int8")
    ]
    return (CAVEAT, " against ".join(words).replace("engine", "vendor engine")) if words[0] != words[1] else None


def _runtime(a, b):
    """Unlike software, where neither the tuning nor the publisher has said so already."""
    if a["tuning"] != b["tuning"] or a["source_id"] != b["source_id"]:
        return None
    if None not in (a["runtime"], b["runtime"]) and a["runtime"] != b["runtime"]:
        return CAVEAT, f"{a['runtime']} against {b['runtime']}"
    return _differ("runtime_version", CAVEAT, f"{a['runtime'] or 'software'} {{}} against {{}}")(a, b)


def _sparsity(a, b):
    if a["sparsity"] == b["sparsity"]:
        return None
    named = [f"{row['sparsity']:.0%} of weights zero" if row["sparsity"] else "dense or unstated" for row in (a, b)]
    return (CAVEAT, f"{named[0]} against {named[1]}") if named[0] != named[1] else None


def _accuracy_target(a, b):
    targets = [row["variant"].get("accuracy") for row in (a, b)]
    if targets[0] == targets[1]:
        return None
    named = [target + " %" if target else "no stated target" for target in targets]
    return CAVEAT, f"accuracy target {named[0]} against {named[1]}"


def _settings(a, b):
    """Every setting of the variants that differs, in one sentence."""
    silent = a["source_id"] != b["source_id"]
    unlike = []
    for key, words in SETTINGS.items():
        pair = a["variant"].get(key), b["variant"].get(key)
        if pair[0] != pair[1] and (None not in pair or not silent or key in ALWAYS_STATED):
            unlike.append(f"{words} {pair[0] or 'unstated'} against {pair[1] or 'unstated'}")
    return (CAVEAT, ", ".join(unlike)) if unlike else None


def _fpga(a, b):
    designs = [row["variant"].get("kernel") for row in (a, b)]
    return (CAVEAT, "unlike FPGA designs or clocks") if None not in designs and designs[0] != designs[1] else None


def _flags(a, b):
    unlike = [words for flag, words in FLAGS.items() if flag in a["flags"] ^ b["flags"]]
    return (CAVEAT, ", ".join(unlike)) if unlike else None


def _publisher(a, b):
    sources = (a["source_id"], b["source_id"])
    if None in sources or sources[0] == sources[1]:
        return None
    mlperf = [source.startswith("mlperf-") for source in sources]
    if all(mlperf):
        return CAVEAT, f"MLPerf {sources[0][7:]} against {sources[1][7:]}: software of different years"
    if any(mlperf):
        return CAVEAT, "an MLPerf result against a figure measured outside MLPerf"
    return CAVEAT, f"figures of {sources[0]} against {sources[1]}"


def _count(a, b):
    counts = a["device_count"], b["device_count"]
    if counts[0] == counts[1]:
        return None
    named = ["an unstated number" if count is None else f"{count:g} device{'s' * (count != 1)}" for count in counts]
    return CAVEAT, f"{named[0]} against {named[1]}"


def _latency(a, b):
    if not a["latencies"] or not b["latencies"] or a["latencies"] & b["latencies"]:
        return None
    named = ["/".join(sorted(row["latencies"])) for row in (a, b)]
    return CAVEAT, f"{named[0]} latency against {named[1]} latency"


def _tdp(a, b):
    return (REFUSED, "measured energy against a bound from TDP") if {a["energy"], b["energy"]} == {"measured", "bound"} else None


def _energy_batch(a, b):
    untold = any(row["batch_size"] is None and row["scenario"] not in FREE_BATCH for row in (a, b))
    return (CAVEAT, "energy at a batch size that is not stated") if untold and a["energy"] == b["energy"] == "measured" else None


def _price_day(a, b):
    if None in (a["usd_per_hour"], b["usd_per_hour"]):
        return None
    days = [pd.Timestamp(row["price_as_of"]) if row["price_as_of"] is not None else None for row in (a, b)]
    if None in days:
        return None if days[0] == days[1] else (CAVEAT, "one price is of unknown day")
    return (CAVEAT, f"prices of {days[0]:%Y-%m-%d} against {days[1]:%Y-%m-%d}") if abs(days[0] - days[1]) > PRICE_AGE else None


# Gravest first; a rule about one kind of figure is asked only where such a figure is compared.
RULES = (
    (None, _model),
    (None, _work),
    (None, _differ("throughput_unit", REFUSED, "{} per second against {} per second")),
    (None, _differ("tokens_counted", REFUSED, "{} tokens counted against {} tokens")),
    (None, _scenario),
    (None, _far_apart("batch_size", "batch {:.0f} against batch {:.0f}", BATCH_FACTOR)),
    (None, _far_apart("concurrency", "{:.0f} against {:.0f} calls in flight", BATCH_FACTOR)),
    (None, _far_apart("input_tokens", "prompts of {:.0f} against {:.0f} tokens", LENGTH_FACTOR)),
    (None, _far_apart("output_tokens", "answers of {:.0f} against {:.0f} tokens", LENGTH_FACTOR)),
    (None, _differ("division", REFUSED, "MLPerf {} division against {} division")),
    (None, _sale),
    ("power", _tdp),
    ("price", _differ("priced_unit", REFUSED, "price of the {} against price of the {}")),
    (None, _modelled),
    (None, _stack),
    (None, _sparsity),
    (None, _accuracy_target),
    (None, _prompt),
    (None, _differ("mode", CAVEAT, "{} against {} serving")),
    (None, _publisher),
    (None, _runtime),
    (None, _settings),
    (None, _fpga),
    (None, _count),
    ("latency", _latency),
    ("power", _differ("power_boundary", CAVEAT, "power of the {} against power of the {}")),
    ("power", _energy_batch),
    ("price", _differ("pricing", CAVEAT, "{} price against {} price")),
    ("price", _price_day),
    (None, _flags),
    (None, _both_measured),
)
