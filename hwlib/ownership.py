"""Buying a machine against renting one: USD/h of an owned machine, and the share of its hours in use above which owning is cheaper.

The only purchase prices in the tables are list prices at launch (`devices.launch_price_usd`): for few devices, and no quote of today.
All else that owning costs is an assumption of `Ownership`, to be changed by who knows better.
"""

from dataclasses import asdict, dataclass
from math import isfinite

import numpy as np
import pandas as pd

from . import data, metrics, units
from .columns import LARGEST
from .errors import HwlibError

# Least value, whether that value itself is allowed, and the largest that makes sense.
FIELDS = {
    "years": (0, False, 50),
    "usd_per_kwh": (0, True, 100),
    "pue": (1, True, 10),
    "host_usd": (0, True, LARGEST["USD"]),
    "hosting_usd_per_month": (0, True, LARGEST["USD"]),
}


@dataclass(frozen=True)
class Ownership:
    """What owning a machine costs beside its accelerators: assumptions, round figures without a source, each to be replaced by your own.

    Parameters
    ----------
    years : float
        Time of use over which the purchase is spread evenly, without interest or resale.
    usd_per_kwh : float
        Price of electricity, USD/kWh.
    pue : float
        Power usage effectiveness: what the building draws over what the machines draw, 1 or more.
    host_usd : float
        Price of the rest of a machine (board, processors, memory, chassis), USD a machine; one for eight large accelerators costs
        a multiple of the default.
    hosting_usd_per_month : float
        Space, network and care, USD a machine and month, electricity apart.

    Raises
    ------
    HwlibError
        Naming the field, the value and what is allowed.

    Examples
    --------
    >>> print(Ownership(years=4))
    assumed: 4 years, 0.15 USD/kWh, PUE 1.5, host 5,000 USD, hosting 100 USD a month
    """

    years: float = 3.0
    usd_per_kwh: float = 0.15
    pue: float = 1.5
    host_usd: float = 5_000.0
    hosting_usd_per_month: float = 100.0

    def __post_init__(self):
        for name, value in asdict(self).items():
            least, included, most = FIELDS[name]
            number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
            if not number or not (least < value <= most or (included and value == least)):
                raise HwlibError(f"{name} {value!r}: expected a number {'of at least' if included else 'over'} {least} and up to {most:g}")

    def __str__(self):
        return (
            f"assumed: {self.years:g} years, {self.usd_per_kwh:g} USD/kWh, PUE {self.pue:g}, "
            f"host {self.host_usd:,.0f} USD, hosting {self.hosting_usd_per_month:,.0f} USD a month"
        )


def owned_usd_per_hour(frame, ownership=None):
    """`frame` with what an owned machine costs each hour, used or not, and what each hour at work adds (both USD/h).

    usd_per_hour_fixed = (launch_price_usd x device_count + host_usd) / (years x 8760) + hosting_usd_per_month x 12 / 8760
    usd_per_hour_running = W / 1000 x usd_per_kwh x PUE

    Parameters
    ----------
    frame : DataFrame
        Needs launch_price_usd (USD a device, the list price at launch), tdp_w (W a device) and device_count. Where there are power_w
        (W, all devices) and power_boundary, measured power is used. Adds usd_per_hour_fixed, usd_per_hour_running, power_basis
        ("measured (system)", "measured (device)": without the host; "tdp bound": devices at the most their cooling allows,
        without the host; "unknown") and assumptions. Without a price the fixed part is empty, without power the running part.
    ownership : Ownership, optional
        The assumptions; those of `Ownership()` if none are given.

    Raises
    ------
    HwlibError
        For a missing column, or a price, power or count that is not over 0.

    Notes
    -----
    An idle machine draws power too; nobody in the tables measured how much, so that idle hours cost no electricity here.

    Examples
    --------
    >>> card = pd.DataFrame({"launch_price_usd": [8_140.0], "tdp_w": [400.0], "device_count": [2.0]})
    >>> owned = owned_usd_per_hour(card, Ownership(years=2, usd_per_kwh=0.25, pue=1.5, host_usd=1_240, hosting_usd_per_month=73))
    >>> owned[["usd_per_hour_fixed", "usd_per_hour_running", "power_basis"]].round(6).values.tolist()
    [[1.1, 0.3, 'tdp bound']]
    """
    ownership = _assumptions(ownership)
    _check(frame, "launch_price_usd", "tdp_w", "device_count")
    watts, basis = _power(frame)
    return frame.assign(
        usd_per_hour_fixed=_purchase(frame, ownership) / (ownership.years * units.HOURS_PER_YEAR) + _hosting_per_hour(ownership),
        usd_per_hour_running=watts / units.W_PER_KW * ownership.usd_per_kwh * ownership.pue,
        power_basis=basis,
        assumptions=str(ownership),
    )


def break_even(frame):
    """`frame` with the share of all hours in use above which owning is cheaper than renting those hours, and that in words.

    break_even_utilisation = usd_per_hour_fixed / (usd_per_hour - usd_per_hour_running), where the costs of a year are equal:
    8760 x (fixed + share x running) = 8760 x share x usd_per_hour.

    Parameters
    ----------
    frame : DataFrame
        Needs usd_per_hour_fixed and usd_per_hour_running (USD/h, as `owned_usd_per_hour` adds them) and usd_per_hour (USD/h, rent of
        a machine that does the same work, paid for hours in use only). Adds break_even_utilisation (share of all hours; empty
        where owning is never cheaper or a figure is unknown) and break_even (words).

    Raises
    ------
    HwlibError
        For a missing column or a cost below 0.

    Examples
    --------
    >>> costs = pd.DataFrame({"usd_per_hour_fixed": [0.6, 0.6], "usd_per_hour_running": [0.1, 1.5], "usd_per_hour": [1.3, 1.3]})
    >>> break_even(costs)[["break_even_utilisation", "break_even"]].values.tolist()
    [[0.5, 'owning is cheaper above 50 % of all hours'], [nan, 'renting is cheaper, however much it is used']]
    """
    _check(frame, "usd_per_hour_fixed", "usd_per_hour_running", "usd_per_hour", zero=True)
    fixed, saved = frame["usd_per_hour_fixed"], frame["usd_per_hour"] - frame["usd_per_hour_running"]
    share = (fixed / saved.where(saved > 0)).pipe(lambda found: found.where(found <= 1))
    words = [_words(each, known) for each, known in zip(share, (fixed + saved).notna(), strict=True)]
    return frame.assign(break_even_utilisation=share, break_even=words)


def break_even_table(offers, ownership=None):
    """Devices with a launch price against the cheapest offer that rents them, break-even soonest first: shares of all hours, months, USD/h.

    Parameters
    ----------
    offers : DataFrame
        Rows of `prices` for whole machines: device_id, device_count, usd_per_hour (USD/h), and columns to keep such as
        provider, instance_type, as_of. Offers that do not count their devices, CPUs among them, are left out.
    ownership : Ownership, optional
        The assumptions; those of `Ownership()` if none are given.

    Returns
    -------
    DataFrame
        The columns of `offers` and of `owned_usd_per_hour` and `break_even`, launch_price_usd, tdp_w, and payback_months: months
        of use around the clock after which the purchase has paid for itself, empty where it never does. Electricity is bounded
        by TDP; an owned machine has as many devices as the rented one.

    Raises
    ------
    HwlibError
        For a missing column.

    Examples
    --------
    >>> table = break_even_table(data.load_prices("nvidia-a10", pricing="on_demand", priced_unit="machine", provider="azure"))
    >>> table["power_basis"].item(), bool(0 < table["break_even_utilisation"].item() < 1)
    ('tdp bound', True)
    """
    ownership = _assumptions(ownership)
    metrics.need(offers, "device_id", "device_count", "usd_per_hour")
    devices = data.load_devices()[["device_id", "launch_price_usd", "tdp_w"]].dropna(subset="launch_price_usd")
    rented = offers[offers["device_count"] >= 1].merge(devices, on="device_id")
    each = (rented["usd_per_hour"] / rented["device_count"]).sort_values(kind="stable").index
    table = break_even(owned_usd_per_hour(rented.loc[each].drop_duplicates("device_id"), ownership))
    saved = table["usd_per_hour"] - table["usd_per_hour_running"] - _hosting_per_hour(ownership)
    months = _purchase(table, ownership) / saved.where(saved > 0) * units.MONTHS_PER_YEAR / units.HOURS_PER_YEAR
    return table.assign(payback_months=months).sort_values("break_even_utilisation", ignore_index=True)


def _words(share, known):
    if not known:
        return "unknown: a price or the power is missing"
    if np.isnan(share):
        return "renting is cheaper, however much it is used"
    return (
        f"owning is cheaper above {share * units.PERCENT:.0f} % of all hours"
        if share > 0
        else "owning is cheaper, however little it is used"
    )


def _assumptions(ownership):
    if ownership is None or isinstance(ownership, Ownership):
        return ownership or Ownership()
    raise HwlibError(f"ownership {ownership!r}: expected an Ownership, such as Ownership(years=4)")


def _purchase(frame, ownership):
    return frame["launch_price_usd"] * frame["device_count"].astype("float64") + ownership.host_usd


def _hosting_per_hour(ownership):
    return ownership.hosting_usd_per_month * units.MONTHS_PER_YEAR / units.HOURS_PER_YEAR


def _power(frame):
    """Watts of each machine and what they are: measured where somebody did, else the bound that TDP is."""
    bound = frame["tdp_w"] * frame["device_count"].astype("float64")
    basis = pd.Series(np.where(bound.notna(), "tdp bound", "unknown"), index=frame.index)
    if "power_w" not in frame:
        return bound, basis
    _check(frame, "power_w")
    metrics.need(frame, "power_boundary")
    measured = "measured (" + frame["power_boundary"].astype("object").fillna("boundary unstated") + ")"
    return frame["power_w"].fillna(bound), basis.mask(frame["power_w"].notna(), measured)


def _check(frame, *columns, zero=False):
    metrics.need(frame, *columns)
    for column in columns:
        values = frame[column].astype("float64")
        bad = ((values < 0) | ((values == 0) & (not zero)) | np.isinf(values)).to_numpy()
        if bad.any():
            raise HwlibError(f"{column} {values[bad].iloc[0]:g}: expected a number {'of at least' if zero else 'over'} 0, or an empty cell")
