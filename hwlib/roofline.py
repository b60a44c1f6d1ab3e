"""Seconds that a network takes on a device, from fitted arrays: costs of work that add up, a fixed time a call, and what trees learned.

The fitted arrays travel as a dict (`training.fit` makes it, `artefact` stores it). An `env` is a device with a stack and a precision.
"""

import numpy as np
import pandas as pd

from . import datasheet, features, units

HALF_BATCH_RANGE = (0.01, 1_000.0)
# How strongly what is known of a network is held towards zero at each level, in envs of evidence. As measured on left-out families: of
# what is missed on one device a tenth shows on another class, a third in its class, four fifths on another device of the same chain.
EFFECT_HOLD = {"all": 9.0, "class": 3.5, "chain": 0.4, "device": 0.5}


def words(env):
    """The words that an env's scale depends on, by kind of word; the same word has one coefficient wherever it stands."""
    kind, chain = env["device_class"], env["chain"]
    level = " " + pd.Series(datasheet.levels(env["precision"]), index=env.index).astype("str")
    return {
        "class": kind,
        "vendor": kind + " " + env["vendor"].fillna(""),
        "chain": chain,
        "level": kind + level,
        "chain_level": chain + level,
        "precision": chain + " " + env["precision"],
        "tuning": chain + " " + env["tuning"],
        "segment": chain + " " + env["segment"].fillna(""),
        "stack": env["stack"],
        "device": env["device_id"],
        "device_chain": env["device_id"] + " " + chain,
    }


def slopes(env):
    """The groups whose slopes on the data sheet's figures add up: all devices, their class, their chain."""
    return {"all": pd.Series("all", index=env.index), "class": env["device_class"], "chain": env["chain"]}


def scale(art, env):
    """Log scale of each env as its data sheet and its words say: what holds where it was never measured."""
    found, columns = art["terms"], ["device_id", "device_class", "vendor", "segment", "stack", "chain", "tuning", "precision"]
    # Words are looked up once for all envs that differ in their data sheets alone.
    code = env.groupby(columns, dropna=False, sort=False).ngroup().to_numpy()
    once = env.iloc[np.unique(code, return_index=True)[1]]
    worded = sum(_looked_up(found["words"][kind], text) for kind, text in words(once).items())
    away = datasheet.specs(art["sheets"], env, env["precision"])
    slope = sum(found["slopes"][kind].reindex(group.to_numpy()).fillna(0.0).to_numpy() for kind, group in slopes(once).items())
    return found["mean"] + worded[code] + (slope[code] * away).sum(axis=1)


def _looked_up(table, text):
    return table.reindex(text.to_numpy()).fillna(0.0).to_numpy()


def chain_costs(art, env):
    """Seconds for each kind of work of the env's chain, one row an env, without the env's own scale."""
    place = art["chains"].get_indexer(env["chain"])
    return np.where((place >= 0)[:, None], art["shapes"][place], art["overall"])


def costs(art, env):
    """Seconds for each kind of work, one row an env: fitted on its own rows, else of its chain at the scale of its words."""
    place = art["envs"].get_indexer(env.index)
    found = art["costs"][place]
    fresh = place < 0
    if fresh.any():
        unmet = env[fresh]
        found[fresh] = chain_costs(art, unmet) * np.exp(_never_slower(art, unmet))[:, None]
    return found


def _never_slower(art, env):
    """Scale of each env, or that of a wider precision where it is smaller: a narrower type can always be run as a wider one."""
    found = scale(art, env)
    rank = env["precision"].map(datasheet.RANKS).fillna(-1)
    for precision, wider in datasheet.RANKS.items():
        may = (rank > wider).to_numpy()
        if may.any():
            found[may] = np.minimum(found[may], scale(art, env[may].assign(precision=precision)))
    return found


def half_words(env):
    """The words that the half-saturation batch depends on, by kind."""
    return {"class": env["device_class"], "chain": env["chain"] + " " + env["tuning"]}


def half_batch(art, calls, base, env, machine):
    """The batch at which a device reaches half of its full rate: fixed time of a call over time a sample, one a pair.

    It depends neither on the batch nor on what trees learned, so that seconds are affine in the batch by construction.

    Parameters
    ----------
    calls : array
        `call_features` of each pair's network.
    base : array
        Log seconds a sample of each pair.
    env : DataFrame
        The machines.
    machine : array of int
        Each pair's row of `env`.
    """
    found = art["half"]
    worded = sum(_looked_up(found["words"][kind], text) for kind, text in half_words(env).items())
    total = found["mean"] + (np.column_stack([calls, base]) - found["centre"]) @ found["slopes"] + worded[machine]
    return np.exp(np.clip(total, *np.log(HALF_BATCH_RANGE)))


def effect_words(env):
    """The words under which a network's own effect is kept, by level: none, class, chain, chain and device."""
    none = pd.Series("", index=env.index)
    return {"all": none, "class": env["device_class"], "chain": env["chain"], "device": env["chain"] + "|" + env["device_id"]}


def effect(art, names, env, model, machine, column="mean"):
    """What is known of each pair's network from its measured rows elsewhere, by level, in log seconds; zero where it was never met."""
    found = {}
    for level, words in effect_words(env).items():
        table = art["effects"][level]
        network, word = table["models"].get_indexer(names)[model], table["words"].get_indexer(words)[machine]
        key = np.where((network >= 0) & (word >= 0), network * len(table["words"]) + word, -1)
        place = np.minimum(np.searchsorted(table["keys"], key), len(table["keys"]) - 1)
        found[level] = np.where(table["keys"][place] == key, table[column][place], 0.0)
    return found


def log_seconds(art, models, env, model, machine):
    """Log seconds a sample at full saturation and the half-saturation batch, one for each pair of a network and a machine.

    Parameters
    ----------
    art : dict
        Fitted arrays.
    models : DataFrame
        The networks, indexed by model_id (any other word for one never met): gmacs, params_m, mactivations, operator counts.
    env : DataFrame
        The machines, indexed by env.
    model, machine : array of int
        Each pair's row of `models` and of `env`.
    """
    filled = features.complete(models, art["typical"])
    work, costs_of = features.work(filled)[model], costs(art, env)[machine]
    physics = np.log((work * costs_of).sum(axis=1))
    half = half_batch(art, features.call_features(filled)[model], physics, env, machine)
    network = features.network_features(models, filled)
    learned = _learned(art, network, features.work(filled), env, model, machine)
    seconds = physics + learned + sum(effect(art, models.index, env, model, machine).values())
    return np.fmax(seconds, np.log(filled["gmacs"].to_numpy())[model] + _best_seconds(art, env)[machine]), half


def _learned(art, network, work, env, model, machine):
    """What the trees say of each pair; they look at the chain and not at the device, so each network is worked out once a chain."""
    chain, names = pd.factorize(env["chain"])
    once, back = np.unique(model * len(names) + chain[machine], return_inverse=True)
    network_of, first = once // len(names), np.unique(chain, return_index=True)[1]
    parts = work[network_of] * chain_costs(art, env.iloc[first])[once % len(names)]
    return grow(art["trees"], features.shape_features(network[network_of], parts))[back]


def _best_seconds(art, env):
    """Log seconds a GMAC at the best share of the stated peak that the device class was seen to reach; empty where none is stated."""
    share = art["best_share"].reindex(env["device_class"].to_numpy()).fillna(art["best_share"]["all"]).to_numpy()
    return np.log(units.gmacs_to_tops(1.0, 1.0) / (share * datasheet.stated_peak(env, env["precision"])))


def carried(miss, here, there, known):
    """Log seconds that misses seen on one set of pairs add to another: most where network and device are the same, less further off.

    At each level the mean of what is still missed, held towards zero as if `EFFECT_HOLD` further envs had missed nothing.

    Parameters
    ----------
    miss : array
        Measured minus estimated log seconds of each of `here`.
    here, there : DataFrame
        network (any key), device_class, chain and device_id of each pair.
    known : dict of arrays
        For each level how many measured envs each of `here` already rests on.
    """
    total = np.zeros(len(there))
    words_here, words_there = effect_words(here), effect_words(there)
    for level, hold in EFFECT_HOLD.items():
        key = (here["network"] + "|" + words_here[level]).to_numpy()
        grouped = pd.DataFrame({"miss": miss, "known": known[level]}).groupby(key)
        move = grouped["miss"].sum() / (grouped.size() + grouped["known"].first() + hold)
        total += _looked_up(move, there["network"] + "|" + words_there[level])
        miss = miss - move.reindex(key).to_numpy()
    return total


def complete_trees(nodes, baseline, depth):
    """Trees of nodes as complete trees in plain arrays: at node i go to 2i + 1, or to 2i + 2 where feature > threshold."""
    inner, leaves = 2**depth - 1, 2**depth
    feature = np.zeros((len(nodes), inner), dtype=np.int16)
    threshold = np.full((len(nodes), inner), np.inf)
    value = np.zeros((len(nodes), leaves), dtype=np.float32)
    for tree, rows in enumerate(nodes):
        _place(rows, 0, 0, feature[tree], threshold[tree], value[tree])
    value[0] += baseline
    return {"feature": feature, "threshold": threshold, "value": value}


def _place(rows, source, place, feature, threshold, value):
    row = rows[source]
    if place >= len(feature):
        value[place - len(feature)] = row["value"]
    elif row["is_leaf"]:
        for child in (2 * place + 1, 2 * place + 2):
            _place(rows, source, child, feature, threshold, value)
    else:
        feature[place], threshold[place] = row["feature_idx"], row["num_threshold"]
        _place(rows, row["left"], 2 * place + 1, feature, threshold, value)
        _place(rows, row["right"], 2 * place + 2, feature, threshold, value)


def grow(trees, matrix, chunk=4_096):
    """What the trees say of each row of `matrix`; in chunks that stay in the processor's cache."""
    total = np.zeros(len(matrix))
    inner = trees["feature"].shape[1]
    for start in range(0, len(matrix), chunk):
        part = np.ascontiguousarray(matrix[start : start + chunk])
        flat, first = part.ravel(), np.arange(len(part)) * part.shape[1]
        for feature, threshold, value in zip(trees["feature"], trees["threshold"], trees["value"], strict=True):
            place = np.zeros(len(part), dtype=np.int64)
            while place[0] < inner:
                place = 2 * place + 1 + (flat.take(first + feature.take(place)) > threshold.take(place))
            total[start : start + chunk] += value.take(place - inner)
    return total
