"""The grid behind a region: its carbon intensity, and what the same inferences emit in one place and another."""

import pandas as pd

from . import data
from .errors import HwlibError, unknown
from .metrics import carbon


def grid(region):
    """Carbon intensity of one region's grid: region, region_name, region_type, gco2e_per_kwh (g/kWh), year, source_id.

    Parameters
    ----------
    region : str
        Key or name of a region in table `grid_carbon`, such as "FRA", "France", "US-CA" or "aws:eu-west-1".

    Returns
    -------
    Series
        A year that the source does not state is missing.

    Raises
    ------
    HwlibError
        For a region that no list has, or a name that several have.

    Examples
    --------
    >>> grid("france")[["region", "gco2e_per_kwh", "year"]].tolist() == grid("FRA")[["region", "gco2e_per_kwh", "year"]].tolist()
    True
    """
    table = data.load_grid()
    wanted = str(region).strip().lower()
    # A key is exact; a name may be that of a country, a state and a city at once.
    for column in ("region", "region_name"):
        found = table[table[column].str.lower() == wanted]
        if len(found) > 1:
            raise HwlibError(f"region {region!r} is the name of several; use a key: " + ", ".join(found["region"]))
        if len(found):
            return found.iloc[0]
    raise unknown("region", region, [*table["region"], *table["region_name"].dropna()], "hw.load_grid() lists them.")


def carbon_by_region(frame, regions, pue=1.0):
    """Every row of `frame` at every one of `regions`, with grams of CO2 equivalent for a million inferences.

    Parameters
    ----------
    frame : DataFrame
        Needs joules_per_inference or joules_per_inference_tdp_bound (J). Adds region, region_name, gco2e_per_kwh (g/kWh),
        grid_year, grid_source_id, and what `carbon` adds.
    regions : list of str
        Keys or names of regions; see `grid`.
    pue : float
        Power usage effectiveness of the building, 1 or more.

    Raises
    ------
    HwlibError
        For an unknown region, no region, a missing column or a PUE below 1.

    Examples
    --------
    >>> import pandas as pd
    >>> table = carbon_by_region(pd.DataFrame({"joules_per_inference": [3.6]}), ["FRA", "POL"])
    >>> bool((table["gco2e_per_million"] == table["gco2e_per_kwh"]).all())
    True
    """
    if isinstance(regions, str) or not len(regions):
        raise HwlibError(f"regions {regions!r}: expected a list of regions, such as ['FRA', 'US-CA']")
    tables = []
    for found in map(grid, regions):
        place = {"region": found["region"], "region_name": found["region_name"], "gco2e_per_kwh": found["gco2e_per_kwh"]}
        table = frame.assign(**place, grid_year=found["year"], grid_source_id=found["source_id"])
        tables.append(carbon(table, found["gco2e_per_kwh"], pue))
    return pd.concat(tables, ignore_index=True)
