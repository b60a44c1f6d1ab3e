"""Pictures of money: what an answer, a fleet, a latency limit or a bought machine costs, with sources and price days beneath."""

from dataclasses import replace

import pandas as pd

from . import charts, data, panels, shapes
from .decision import decide
from .errors import HwlibError
from .offers import offers
from .units import HOURS_PER_DAY

LEGIBLE = 12  # lines of a chart
TERMS = {"on_demand": "on demand", "spot": "spot", "purchase": "bought"}


def costs(decision):
    """Chart of the figure that ranks, the best option of each device, with the interval that its spread and its price's give."""
    table = decision.table.join(decision.certainty)
    table = table[table[decision.metric].notna()].drop_duplicates("device_id").head(LEGIBLE)
    if table.empty:
        return panels.note(f"No option has a known {charts.axis_title(decision.metric)}.")
    table = table.assign(option=panels.counted(table) + panels.placed_at(table))
    axis = charts.axis_title(decision.metric, table)
    caption = [*panels.caption(table), *panels.price_line(table), "Bars: 90 % intervals."]
    title = f"{axis[0].upper()}{axis[1:]}, best option of each device"
    return shapes.spans(table, decision.metric, "low", "high", "option", title, caption)


def terms(decision):
    """Chart of cost (USD) by terms of renting or buying, of each device that is to be had at several; or a sentence without any."""
    table = decision.table[decision.table["usd_per_100k"].notna()].drop_duplicates(["device_id", "pricing"])
    table = table[table.groupby("device_id")["pricing"].transform("nunique") > 1]
    if table.empty:
        return panels.note("No device is to be had at more than one of these terms.")
    table = table.assign(words=table["pricing"].map(TERMS).fillna(table["pricing"]))
    bought = [f"Bought: list price at launch, {decision.workload.ownership}."] * bool((table["pricing"] == "purchase").any())
    caption = [*panels.caption(table.drop(columns="pricing")), *panels.price_line(table), *panels.wrap(" ".join(bought))]
    title = "Cost of 100,000 inferences by terms, machines busy all the time"
    return shapes.strip(table, "usd_per_100k", "device", "words", title, caption, every=True)


def fleets(workload, rates, devices=4):
    """Chart of the price of a fleet (USD/h) over the request rate, one line a device, coloured by its class: those that win somewhere.

    Parameters
    ----------
    workload : Workload
        Its other answers hold at every rate.
    rates : list of float
        Requests a second.
    devices : int
        Devices to draw, those that are cheapest at most of the rates first.

    Raises
    ------
    HwlibError
        For no rate, or a faulty one.
    """
    if not len(rates):
        raise HwlibError("rates []: expected at least one rate, in requests a second")
    tables = [decide(replace(workload, requests_per_s=float(rate))).table.assign(rate=float(rate)) for rate in rates]
    table = pd.concat([table[table["usd_per_hour_fleet"].notna()].drop_duplicates("device_id") for table in tables])
    if table.empty:
        return panels.note("No fleet with a known price serves this.")
    table = table.assign(place=table.groupby("rate")["usd_per_hour_fleet"].rank(method="first"))
    chosen = table.groupby("device")["place"].agg(["min", "mean"]).sort_values(["min", "mean"]).index[:devices]
    drawn = table[table["device"].isin(chosen)].sort_values(["device", "rate"])
    caption = [*panels.caption(drawn.drop(columns="device_count")), *panels.price_line(drawn)]
    titles = ("requests a second", "price of the fleet (USD per hour)")
    colours = {row["device"]: charts.CLASS_COLOURS[row["device_class"]] for row in drawn.to_dict("records")}
    title = "What a fleet costs at each request rate"
    return shapes.lines(drawn, "rate", "usd_per_hour_fleet", "device", title, caption, titles, colours=colours)


def cheapest_within(model, limits_ms, **answers):
    """Chart of the cost of the cheapest option (USD per 100,000) over the latency limit (ms), each new winner named.

    Parameters
    ----------
    model : str
        `model_id`.
    limits_ms : list of float
        Latency limits, ms.
    **answers
        Other fields of `Workload`.
    """
    found = {float(limit): decide(model, latency_ms=float(limit), **answers) for limit in limits_ms}
    rows = [{**decision.best.to_dict(), "limit_ms": limit} for limit, decision in found.items() if decision.best is not None]
    table = pd.DataFrame(rows)
    if table.empty or table["usd_per_100k"].isna().all():
        return panels.note("No option with a known price keeps to any of these limits.")
    table = table[table["usd_per_100k"].notna()].sort_values("limit_ms").assign(line="cheapest")
    new = table[table["device"] != table["device"].shift()].assign(text=lambda rows: rows["device"])
    caption = [*panels.caption(table.drop(columns="device_count")), *panels.price_line(table)]
    titles = ("latency limit (ms)", charts.axis_title("usd_per_100k"))
    return shapes.lines(
        table, "limit_ms", "usd_per_100k", "line", "What a tighter latency limit costs", caption, titles, steps=True, marks=new
    )


def rented(workload):
    """The cheapest machine of each provider with each device (USD/h), as `hwlib.ownership.break_even_table` takes them."""
    return offers(workload).drop(columns="launch_price_usd")


def rent_or_buy(row):
    """Chart of the cost of a day (USD) over the hours that a machine is used, rented by the hour or bought.

    Parameters
    ----------
    row : Series
        A row of `hwlib.ownership.break_even_table` of offers with provider, instance_type and price_as_of.
    """
    rent, fixed, running = row["usd_per_hour"], row["usd_per_hour_fixed"], row["usd_per_hour_running"]
    named = {"rented": (0.0, rent), "bought": (fixed * HOURS_PER_DAY, running)}
    ends = (0.0, float(HOURS_PER_DAY))
    drawn = [(name, hours, base + each * hours) for name, (base, each) in named.items() for hours in ends]
    frame = pd.DataFrame(drawn, columns=["way", "hours", "usd"])
    meeting = row["break_even_utilisation"] * HOURS_PER_DAY
    text = f"equal at {meeting:.1f} hours a day"
    marks = pd.DataFrame({"hours": [meeting], "usd": [rent * meeting], "text": [text]}).dropna()
    name = data.load_devices(row["device_id"])["name"].item()
    rented = f"Rented: {row['instance_type']} ({row['provider']}), {rent:,.3f} USD/h, list of {row['price_as_of']:%Y-%m-%d}. "
    caption = panels.wrap(rented + f"Bought: list price at launch, {row['assumptions']}; power: {row['power_basis']}.")
    titles = ("hours of use a day", "cost of a day (USD)")
    return shapes.lines(
        frame, "hours", "usd", "way", f"Rent or buy: {row['device_count']:.0f} x {name}", caption, titles, log=False, marks=marks
    )
