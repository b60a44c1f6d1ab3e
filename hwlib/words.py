"""A decision in plain sentences."""

import pandas as pd

from . import data, rows

METRICS = {
    "usd_per_100k": "cost",
    "throughput_per_s": "throughput",
    "latency_ms": "latency",
    "joules_per_inference": "measured energy",
    "score": "figure for every criterion",
}
WORSE = {
    "usd_per_100k": "{} dearer",
    "throughput_per_s": "the best is {} faster",
    "latency_ms": "{} slower",
    "joules_per_inference": "{} more energy",
    "score": "{} worse in all",
}
LIMITS = {
    "latency_ms": "a latency limit of {:.3g} ms",
    "ttft_ms": "a limit of {:.3g} ms to the first token",
    "tpot_ms": "a limit of {:.3g} ms per output token",
    "batch_size": "batch size {:g}",
    "requests_per_s": "{:,.4g} requests a second",
    "utilisation": "a utilisation of {:.1%}",
    "hours_per_day": "{:.3g} hours a day",
}
NAMES = {
    "batch_size": "the batch size",
    "latency_ms": "the latency limit",
    "requests_per_s": "the request rate",
    "precisions": "the allowed precisions",
    "accuracy_loss": "the allowed loss of accuracy",
    "usd_per_hour": "the budget per hour",
    "usd_per_million": "the budget per million",
    "power_w": "the power cap",
    "evidence": "the allowed evidence",
    "segment": "the segment",
    "ttft_ms": "the limit on the time to the first token",
    "tpot_ms": "the limit on the time per output token",
    "input_tokens": "the length of the prompt",
    "output_tokens": "the length of the answer",
    "concurrency": "the number of requests in flight",
}
UNITS = {
    "latency_ms": " ms",
    "ttft_ms": " ms",
    "tpot_ms": " ms",
    "usd_per_hour": " $/h",
    "usd_per_million": " $",
    "power_w": " W",
    "accuracy_loss": " %",
}
ENOUGH = 0.9


def explain(decision):
    """The decision in plain sentences: winner, margin, how sure, what would change it, how alike the figures are, what was left out."""
    parts = (_winner, _nothing, _behind, _estimate, _fleet, _against, _assumed, _sure, _flips, _alike, _left_out)
    return [sentence for part in parts if (sentence := part(decision))]


def at_once(decision):
    """The sentences of `explain` that need neither draws nor a search: winner, evidence, fleet, runner-up, likeness, what was left out."""
    parts = (_winner, _behind, _fleet, _against, _assumed, _alike, _left_out)
    return [sentence for part in parts if (sentence := part(decision))]


def flip_sentence(flip):
    """One row of `Decision.flips` as a sentence without a full stop."""
    guess = " by an estimate" if flip["evidence"] == "estimated" else ""
    if flip["answer"] == "usd_per_hour":
        machine = flip["instance_type"] if pd.notna(flip["instance_type"]) else "a bought one"
        return (
            f"{flip['side']} ${flip['at']:,.3g}/h for {machine} (now ${flip['now']:,.3g}) {flip['loser']} loses to {flip['device']}{guess}"
        )
    return f"{flip['side']} {LIMITS[flip['answer']].format(flip['at'])} {flip['device']} wins{guess}"


def _winner(decision):
    question = _question(decision.workload)
    if decision.best is None:
        unknown = len(decision.table) and decision.table[decision.metric].isna().all()
        why = f"no option has a known {METRICS[decision.metric]}" if unknown else "no option is left within the limits"
        return f"{question}: {why}."
    return f"{question}: {_named(decision.best, decision.metric)}."


def _question(work):
    name = data.load_models(work.model)["name"].item()
    batch = "at any batch size" if work.batch_size == "any" else f"at batch size {work.batch_size}"
    limit = f" within {work.latency_ms:g} ms" if work.latency_ms else ""
    rate = f", {work.requests_per_s:,.10g} requests a second" if work.requests_per_s else ""
    peak = f" with peaks of {work.peak_factor:g} times that" if work.requests_per_s and work.peak_factor > 1 else ""
    ranked = (
        " and ".join(f"{name} (weight {weight:.3g})" for name, weight in work.criteria.items()) if len(work.criteria) > 1 else work.priority
    )
    return f"{name} {batch}{limit}{rate}{peak}, ranked by {ranked}"


def _assumed(decision):
    bought = (decision.table["pricing"] == "purchase").any()
    return f"For bought machines: {decision.workload.ownership}." if bought else ""


def _nothing(decision):
    """Why there is no option, and the way out."""
    if decision.best is not None:
        return ""
    if not (rows.measured(decision.workload)["evidence"] != "estimated").any():
        return "Nobody measured this model." + _relatives(decision)
    found = decision.relaxations
    if found.empty and decision.table.empty:
        return "No limit is to blame: no measured row of it can be used; the reasons stand with each device." + _relatives(decision)
    if found.empty:
        return f"{_many(len(decision.table), 'option')} below, unranked; another priority may rank them."
    are = "are" if "," in found["limit"].iloc[0] else "is"
    return f"Tightest {are} {_relaxed(found.iloc[0])}." + "".join(f" Or without {_relaxed(row)}." for _, row in found.iloc[1:3].iterrows())


def _relatives(decision):
    others = rows.relatives(decision.workload.model)
    return f" Nearest measured relatives: {', '.join(others)}." if others else ""


def _relaxed(row):
    *first, last = (NAMES[name] for name in row["limit"].split(", "))
    names = f"{', '.join(first)} and {last}" if first else last
    unit = UNITS.get(row["limit"], "")
    value = "" if row["value"] is None else f" ({_plain(row['value'])}{unit})"
    needed = f"; the nearest option needs {row['needed']:.3g}{unit}" if pd.notna(row["needed"]) else ""
    return f"{names}{value}: giving {'them' if first else 'it'} up leaves {_many(row['options'], 'option')}, {row['device']} first{needed}"


def _plain(value):
    return ", ".join(value) if isinstance(value, tuple) else f"{value:,.10g}" if isinstance(value, int | float) else str(value)


def _behind(decision):
    return "" if decision.best is None else f"Behind it: {_evidence(decision.best)}."


def _estimate(decision):
    """Where the winner rests on an estimate: that it does, and which measurement would settle it."""
    best = decision.best
    if best is None or best["evidence"] != "estimated":
        return ""
    name = data.load_models(decision.workload.model)["name"].item()
    precision = f", {best['precision']}" if pd.notna(best["precision"]) else ""
    needed = f"{name} on {best['device']} at batch {best['batch_size']}{precision}"
    return f"The winner rests on an estimate; a measurement of {needed} would settle it."


def _fleet(decision):
    best = decision.best
    if best is None or pd.isna(best["machines"]):
        return ""
    count = _many(int(best["machines"]), "machine")
    price = f" for ${best['usd_per_hour_fleet']:,.3f}/h" if pd.notna(best["usd_per_hour_fleet"]) else ""
    percentile = decision.workload.latency_percentile
    wait = f", {percentile} % of the answers within {best['response_ms']:,.3g} ms at the peak" if pd.notna(best["response_ms"]) else ""
    return f"That takes {count}{price}, busy {_busy(best['load'])} of the time{wait}."


def _busy(load):
    return f"{load:.0%}" if load >= 0.01 else "less than 1 %"


def _against(decision):
    if decision.runner_up is None:
        return ""
    more = WORSE[decision.metric].format(_share(decision.margin))
    option = decision.runner_up
    return f"Runner-up on another device: {_named(option, decision.metric)}, {more}. Behind it: {_evidence(option)}."


def _share(margin):
    return f"{margin:.0%}" if margin >= 0.095 else f"{margin:.1%}"


def _sure(decision):
    if decision.runner_up is None:
        return ""
    sure = "clear" if decision.p_best >= ENOUGH else "not clear"
    share = "more than 99 %" if decision.p_best > 0.99 else f"{decision.p_best:.0%}"
    share = f"{decision.best['device']} comes first in {share} of the draws"
    return f"How sure: {share} within the spread of figures and prices; the choice is {sure}."


def _flips(decision):
    found = [flip_sentence(flip) for _, flip in decision.flips.iterrows()]
    return f"What would change it: {'; '.join(found)}." if found else ""


def _named(option, metric):
    count = f"{option['device_count']:.0f} x " if option["device_count"] != 1 else ""
    rented = pd.notna(option["instance_type"])
    if option["pricing"] == "purchase":
        return f"{count}{option['device']} (bought), {_figure(option[metric], metric, option['throughput_unit'])}"
    where = ", ".join(option[name] for name in ("provider", "region") if pd.notna(option[name]))
    place = f" on {option['instance_type']} ({where})" if rented else " (not rented out)"
    return f"{count}{option['device']}{place}, {_figure(option[metric], metric, option['throughput_unit'])}"


def _evidence(option):
    stack = " with ".join(str(option[name]) for name in ("precision", "runtime") if pd.notna(option[name]))
    scaled = f", {option['note']}" if option["note"] else ""
    submitter = f" by {option['submitter']}" if pd.notna(option["submitter"]) else ""
    origin = f"({option['evidence']}, {option['source_id']}{submitter}{scaled})"
    rate = f"{_rounded(option['throughput_per_s'])} {option['throughput_unit']}/s, {stack} {origin}"
    if pd.isna(option["usd_per_hour"]):
        return rate
    day = f", list of {option['price_as_of']:%Y-%m-%d}" if pd.notna(option["price_as_of"]) else ", price of unknown day"
    return f"{rate}, at ${option['usd_per_hour']:,.3f}/h{day}"


def _figure(value, metric, unit):
    return {
        "usd_per_100k": f"${_rounded(value)} per 100,000 {unit}",
        "throughput_per_s": f"{_rounded(value)} {unit}/s",
        "latency_ms": f"{value:,.3g} ms",
        "joules_per_inference": f"{value:,.3g} J per inference",
        "score": f"{value:.3g} times the best figure in each criterion",
    }[metric]


def _rounded(value):
    return f"{value:,.0f}" if value >= 1_000 else f"{value:,.3g}"


def _alike(decision):
    return "" if decision.comparison is None else f"The two figures are {decision.comparison}."


def _left_out(decision):
    table = decision.table
    unknown, unheld = table[decision.metric].isna(), table["note"].str.contains("could not be held")
    counts = {
        f"with an unknown {METRICS[decision.metric]} stand last": unknown.sum(),
        "that an unknown figure keeps from being held to a limit come after the others, unranked": (unheld & ~unknown).sum(),
    }
    parts = [f"{_many(count, 'option')} {words}" for words, count in counts.items() if count]
    if len(decision.eliminated):
        parts.append(f"{_many(len(decision.eliminated), 'device')} left out, each with its reason")
    return ("; ".join(parts) + ".").capitalize() if parts else ""


def _many(count, word):
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
