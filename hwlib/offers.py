"""What can be rented: the cheapest machine of each provider for each device, and how its price varies over regions."""

import pandas as pd

from . import data

MAX_PRICE_AGE = pd.Timedelta(days=365)
UNFIT_PRICES = ("burstable", "looks wrong upstream", "spot above on-demand", "chip or core unstated")
MACHINE = ["provider", "region", "instance_type", "device_name", "pricing"]
COLUMNS = ["provider", "region", "instance_type", "pricing", "usd_per_hour", "vcpus", "device_id", "device_count", "as_of", "source_id"]
OFFERED = [*COLUMNS[:-2], "price_as_of", "price_source_id"]
OWNED = "bought"


def offers(workload):
    """The cheapest machine (USD/h) of each provider for each device and number of devices (vCPUs for a CPU), at the terms asked for.

    Prices without a day, more than a year older than the newest list, or flagged as of mixed age count only for a
    workload that names their provider: a stale bargain must not win by default. Burstable machines and prices that
    look wrong (`UNFIT_PRICES`) never count.

    Parameters
    ----------
    workload : Workload
        Its pricing, providers and regions count.

    Examples
    --------
    >>> from .workload import Workload
    >>> offered = offers(Workload("resnet50", providers="aws"))
    >>> offered.loc[(offered["device_id"] == "nvidia-t4") & (offered["device_count"] == 1), "instance_type"].item()
    'g4dn.xlarge'
    """
    return cheapest(workload.pricing, workload.providers, workload.regions)


def region_prices(workload):
    """Every fit price (USD/h) that `offers` chose from, one row a machine and region: provider, instance_type, pricing, usd_per_hour."""
    return _fit(workload.pricing, workload.providers, workload.regions)


def cheapest_of(machines):
    """The on-demand price (USD/h) of each of the machine types named, in its cheapest region: columns as of `offers`."""
    prices = _fit(("on_demand",), None, None)
    named = prices[prices["instance_type"].isin(machines)].sort_values(["usd_per_hour", "provider", "region"])
    return named.drop_duplicates("instance_type")[COLUMNS].rename(columns={"as_of": "price_as_of", "source_id": "price_source_id"})


@data.remembered("prices", "devices")
def cheapest(pricing, providers, regions):
    """`offers` by terms of renting, providers and regions (tuples, or None for all)."""
    prices = _fit(pricing, providers, regions)
    prices = prices.sort_values(["usd_per_hour", "instance_type", "region"])
    prices = prices.drop_duplicates(["provider", "device_id", "device_count", "size", "pricing"])[COLUMNS]
    if "purchase" in pricing and not regions and not providers:
        prices = pd.concat([prices, _bought()], ignore_index=True)
    return (
        prices.rename(columns={"as_of": "price_as_of", "source_id": "price_source_id"})
        .reindex(columns=[*OFFERED, "launch_price_usd"])
        .reset_index(drop=True)
    )


def _bought():
    """Devices with a list price at launch, as an offer each: how many go into a machine is for the measured row to say."""
    devices = data.load("devices")
    devices = devices[devices["launch_price_usd"].notna()]
    return devices[["device_id", "launch_price_usd", "source_id"]].assign(provider=OWNED, pricing="purchase", as_of=devices["released_on"])


@data.remembered("prices")
def _fit(pricing, providers, regions):
    prices = data.load("prices")
    wanted = prices["pricing"].isin(pricing) & (prices["priced_unit"] == "machine") & prices["device_id"].notna()
    unfit = prices["quality_flag"].fillna("").str.contains("|".join(UNFIT_PRICES))
    prices = prices[wanted & ~unfit]
    prices = prices[prices["provider"].isin(providers)] if providers else prices[_fresh(prices)]
    prices = prices[prices["region"].isin(regions)] if regions else prices
    # Of several lists that price one machine the newest speaks.
    prices = prices.sort_values("as_of", na_position="first").drop_duplicates(MACHINE, keep="last")
    # A machine whose accelerators are not counted is no offer: any number of them would be a guess.
    is_cpu = prices["device_name"].isna()
    return prices.assign(size=prices["vcpus"].where(is_cpu))[is_cpu | (prices["device_count"] % 1 == 0)]


def _fresh(prices):
    newest = prices["as_of"].max()
    aged = prices["quality_flag"].fillna("").str.contains("mixed age")
    return prices["as_of"].notna() & ~aged & (newest - prices["as_of"] <= MAX_PRICE_AGE)
