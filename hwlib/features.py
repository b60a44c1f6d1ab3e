"""What a network asks of a device and what a device offers, as arrays: the same for fitting and for estimating."""

import re

import numpy as np
import pandas as pd

from .columns import CALL_KINDS, MAC_KINDS, TRAFFIC_KINDS

MACS = [f"gmacs_{kind}" for kind in MAC_KINDS]
CALLS = [f"ops_{kind}" for kind in CALL_KINDS]
TRAFFIC = [f"melements_{kind}" for kind in TRAFFIC_KINDS]
COUNTS = [*MACS, *CALLS, *TRAFFIC]
# What a device spends its time on: each has a cost in seconds, and the costs add up.
WORK = [*MACS, *TRAFFIC, "params_m", "mactivations"]
# Parts of `variant` that make another machine of the same device.
SETTINGS = ("recipe", "layout", "threads", "kernel", "cores", "quant", "instances", "application")
SMALL = 1e-6


def complete(models, typical):
    """`models` with every column of `WORK` and of operators filled: counted where they are, else of a typical network of that size.

    Parameters
    ----------
    models : DataFrame
        gmacs (GMAC a sample), params_m (million; may be empty), mactivations (million; may be empty) and `COUNTS` (may be empty).
    typical : dict
        Of `typical_network`.
    """
    gmacs = np.log(models["gmacs"].to_numpy(dtype=float))
    params = np.log(models["params_m"].to_numpy(dtype=float) + SMALL)
    params = np.where(np.isfinite(params), params, typical["params_m"] @ np.stack([np.ones_like(gmacs), gmacs]))
    terms = np.stack([np.ones_like(gmacs), gmacs, params])
    filled = {"gmacs": np.exp(gmacs), "params_m": np.exp(params)}
    for number, name in enumerate(MACS):
        filled[name] = models[name].fillna(pd.Series(np.exp(gmacs) * typical["mac_shares"][number], index=models.index))
    for number, name in enumerate([*CALLS, *TRAFFIC, "mactivations"]):
        usual = pd.Series(np.exp(typical["others"][number] @ terms), index=models.index)
        filled[name] = models[name].astype("float64").fillna(usual)
    return pd.DataFrame(filled, index=models.index)


def typical_network(models):
    """How operators go with GMAC and parameters in the counted ones of `models`: what `complete` takes for a network not counted."""
    counted = models.dropna(subset=["gmacs", "params_m", MACS[0]])
    ones, gmacs, params = np.ones(len(counted)), np.log(counted["gmacs"]), np.log(counted["params_m"] + SMALL)
    macs = counted[MACS].to_numpy(dtype=float)
    others = counted[[*CALLS, *TRAFFIC, "mactivations"]].astype("float64")
    fits = [_line(np.stack([ones, gmacs, params]), np.log(others[name].fillna(others[name].median()) + 0.01)) for name in others]
    return {
        "params_m": _line(np.stack([ones, gmacs]), params),
        "mac_shares": (macs / macs.sum(axis=1, keepdims=True)).mean(axis=0),
        "others": np.array(fits),
    }


def _line(terms, values):
    return np.linalg.lstsq(terms.T, np.asarray(values, dtype=float), rcond=None)[0]


def work(filled):
    """The columns `WORK` of a `complete` frame as an array, one row a network."""
    return filled[WORK].to_numpy(dtype=float)


def network_features(models, filled):
    """What the trees look at of each network alone: sizes, ratios, kinds of operator, and whether they were counted.

    Parameters
    ----------
    models : DataFrame
        As for `complete`, before it.
    filled : DataFrame
        Of `complete`.
    """
    gmacs, traffic = filled["gmacs"].to_numpy(), filled[TRAFFIC].sum(axis=1).to_numpy() + SMALL
    launches = _launches(filled)
    sizes = np.log(np.stack([gmacs, filled["params_m"], filled["mactivations"] + SMALL, traffic, launches], axis=1))
    ratios = np.log(np.stack([gmacs / traffic, gmacs / launches, traffic / launches, filled["params_m"] / gmacs], axis=1))
    macs = filled[MACS].to_numpy()
    counts = np.log(np.concatenate([filled[CALLS].to_numpy() + 1, filled[TRAFFIC].to_numpy() + 0.01, macs + 1e-4], axis=1))
    counted = models[MACS[0]].notna().to_numpy(dtype=float)[:, None]
    return np.concatenate([sizes, ratios, macs / gmacs[:, None], counts, counted], axis=1)


def shape_features(network, parts):
    """`network_features` of each pair with how its time splits over the kinds of work: `parts` in seconds on such a machine."""
    total = parts.sum(axis=1, keepdims=True)
    return np.concatenate([network, np.log(total) - network[:, :1], parts / total], axis=1)


def call_features(filled):
    """Logarithms of what sets the fixed time of a call: GMAC, parameters and launches."""
    return np.log(np.stack([filled["gmacs"], filled["params_m"] + SMALL, _launches(filled)], axis=1))


def _launches(filled):
    return filled[[name for name in CALLS if name != "ops_shape"]].sum(axis=1).to_numpy() + 1


def stack(rows):
    """How each row of `measurements` ran, as one text: source, runtime, version, tuning and the settings that change the speed."""
    words = rows[["source_id", "runtime", "runtime_version", "tuning"]].astype("str").fillna("").agg("|".join, axis=1)
    return words + "|" + rows["variant"].fillna("").map(_settings)


def _settings(variant):
    return ";".join(part for part in variant.split(";") if part.split("=")[0] in SETTINGS)


def toolchain(rows):
    """The device class and the family of runtimes of each row, as one text such as `gpu triton`."""
    family = rows["runtime"].fillna("unstated").map(lambda name: re.split(r"[- ]", name)[0])
    return rows["device_class"] + " " + family
