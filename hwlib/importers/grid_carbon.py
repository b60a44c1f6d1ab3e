"""Carbon intensity of electricity -> `grid_carbon`, in grams of CO2 equivalent per kilowatt-hour.

Left out: fuels, which are no place, and clouds that state zero for the renewables they buy: that is the market's view,
and this table is the average of the grid at the place.
"""

from . import tidy

SOURCE = "grid-carbon"
FOLDER = "grid-carbon"

FILE = "carbon_intensity.csv"
RESPELLED = {"gcp:me-cenrtal1": "gcp:me-central1"}  # misspelt upstream: Google's region in Doha is me-central1
MARKET_BASED = ("seeweb:fro2",)
SOURCES = {
    "codecarbon global_energy_mix.json": "codecarbon-energy-mix",
    "codecarbon usa_emissions.json": "codecarbon-usa",
    "codecarbon china_provincial_emissions.json": "codecarbon-china",
    "codecarbon nordic_emissions.json": "codecarbon-nordic",
    "codecarbon cloud/impact.csv": "codecarbon-gcp",
    "codecarbon carbon_intensity_per_source.json": "codecarbon-world",
    "mlco2/impact impact.csv": "mlco2-impact",
}


def read(folder):
    """The `grid_carbon` of `folder`, in g/kWh.

    Raises
    ------
    HwlibError
        With file, line, column and value of what cannot be read.
    """
    raw = tidy.read_upstream(folder / FILE, ["region_type", "region", "region_name", "gCO2e_per_kWh", "year", "source"])
    frame = raw[["region_name", "region_type"]].assign(
        region=raw["region"].replace(RESPELLED),
        gco2e_per_kwh=tidy.number(raw, "gCO2e_per_kWh", FILE),
        year=tidy.number(raw, "year", FILE),
        source_id=tidy.mapped(raw.assign(source=raw["source"].str.partition(" (")[0]), "source", SOURCES, FILE),
    )
    return {"grid_carbon": frame[(frame["region_type"] != "fuel") & ~frame["region"].isin(MARKET_BASED)]}
