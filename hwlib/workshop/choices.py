"""Checks of the exercises on models and on power; the right answers are computed from the tables when they are asked for."""

from .. import data, metrics, regions
from ..decision import decide
from ..units import MILLION, joules_to_kwh
from . import kinds

CPU, GPU = "intel-core-i7-1185g7", "intel-core-i7-1185g7-igpu"
NETWORKS = ("mobilenet-v2", "resnet50", "bert-large", "ssd-resnet34")
MEASURED = "audited,published,derived"


def check_model_1(answer):
    """Verdict on how many times as much work ResNet-50 makes as MobileNet v2.

    >>> check_model_1(None).right
    False
    """
    models = data.load_models(["resnet50", "mobilenet-v2"]).set_index("model_id")
    ratio = models.loc["resnet50"][["gmacs", "params_m"]] / models.loc["mobilenet-v2"][["gmacs", "params_m"]]
    traps = [(ratio["params_m"], "that is the ratio of the weights (params_m); the work is in gmacs.")]
    return kinds.number(answer, ratio["gmacs"], "times", "the column gmacs", "Same picture, much less work.", traps=traps)


def check_model_2(answer):
    """Verdict on a table of how many times as fast as the CPU the GPU of one chip is, for two networks.

    >>> check_model_2(2.0)
    Not yet: a table is asked; you gave a number.
    """
    alike = {"source_id": "openvino-2022.1", "precision": "int8", "batch_size": 1}
    rows = data.load_measurements(["ssd-mobilenet-v1", "yolov4-608"], [CPU, GPU], **alike)
    wide = rows.pivot(index="model_id", columns="device_id", values="throughput_per_s")
    right = (wide[GPU] / wide[CPU]).rename("times").reset_index()
    return kinds.table(answer, right, "model_id", "GPU over CPU, not the other way round", "One chip, two networks, two winners.")


def check_model_3(answer):
    """Verdict on the networks whose cheapest option is an estimate.

    >>> check_model_3("mobilenet-v2")
    Not yet: several words are asked, in a list such as ['mobilenet-v2', 'resnet50']; you gave text.
    """
    right = {name for name in NETWORKS if decide(name).best["evidence"] == "estimated"}
    return kinds.words(answer, right, NETWORKS, "model_id", "the evidence of each winner", "Measure these before you buy.")


def check_model_4(answer):
    """Verdict on the share of draws in which the winner for MobileNet v2 stays the winner.

    >>> check_model_4(print)
    Not yet: your answer is a function: call it, with () and what it needs.
    """
    right = decide("mobilenet-v2").p_best
    return kinds.number(answer, right, "share", "p_best of the decision for mobilenet-v2", "So sure is the first place.")


def check_model_5(answer):
    """Verdict on the device that wins for SSD-ResNet-34 without estimates.

    >>> check_model_5("")
    Not yet: your answer is empty: a filter before it may have kept no row. Look at each step by itself.
    """
    guessed, right = decide("ssd-resnet34").best["device_id"], decide("ssd-resnet34", evidence=MEASURED).best["device_id"]
    traps = [(guessed, "that is the winner with estimates allowed.")]
    devices = data.load_devices()["device_id"]
    return kinds.word(answer, right, devices, "device_id", "best of the decision with evidence=...", "This one was measured.", traps)


def check_power_1(answer):
    """Verdict on the energy of one inference on a Jetson Xavier NX, J.

    >>> check_power_1("0.03 J")
    Not yet: a number is asked, and '0.03 J' is text: write 0.03, without quotes and without the unit.
    """
    board = _single().set_index("device_id").loc["nvidia-jetson-xavier-nx-8gb"]
    traps = [(board["inferences_per_joule"], "that is inferences for a joule: divide the other way round.")]
    traps += [(board["power_w"] * board["throughput_per_s"], "watts times inferences a second is no energy: divide.")]
    return kinds.number(
        answer, board["joules_per_inference"], "J", "power_w over throughput_per_s", "A watt is a joule each second.", traps=traps
    )


def check_power_2(answer):
    """Verdict on the edge device with the least energy for an inference, one at a time.

    >>> check_power_2(...)
    Traceback (most recent call last):
        ...
    hwlib.workshop.verdicts.UnansweredError: Still to be answered: put your answer in place of `...`, run that cell, then run this one.
    """
    rows = _single()
    least = rows.sort_values("power_w")["device_id"].iloc[0]
    traps = [(least, "that one draws the least power; but it takes so long that it needs much energy.")]
    why = "It draws more watts than others, for a much shorter time."
    return kinds.word(answer, rows["device_id"].iloc[0], rows["device_id"], "device_id", "joules_per_inference in single", why, traps)


def check_power_3(answer):
    """Verdict on the least measured power of the device that keeps to 15 W by its TDP, W.

    >>> check_power_3("15W").right
    False
    """
    best = decide("resnet50", power_w=15, segment="edge", priority="throughput").best
    rows = _edge().query("device_id == @best.device_id and scenario == 'offline'")
    traps = [(best["tdp_w"], "that is the TDP from the data sheet; the task asks for a measured power.")]
    why = "Measured at the plug, with the board around the device."
    return kinds.number(answer, rows["power_w"].min(), "W", "power_w in the offline rows of that device", why, traps=traps)


def check_power_4(answer):
    """Verdict on the energy of a million inferences on the most frugal edge device, kWh.

    >>> check_power_4(float("nan"))
    Not yet: your answer is not a number (nan): somewhere a figure is unknown, or two tables did not match.
    """
    right = joules_to_kwh(_single()["joules_per_inference"].iloc[0] * MILLION)
    return kinds.number(
        answer, right, "kWh", "joules_per_inference in the first row of single", "A million pictures, and hardly any electricity."
    )


def check_power_5(answer):
    """Verdict on a table of the carbon of a million inferences in three countries.

    >>> check_power_5(...)
    Traceback (most recent call last):
        ...
    hwlib.workshop.verdicts.UnansweredError: Still to be answered: put your answer in place of `...`, run that cell, then run this one.
    """
    right = regions.carbon_by_region(_single().head(1), ["NOR", "DEU", "IND"])[["region", "gco2e_per_million"]]
    return kinds.table(
        answer, right, "region", "carbon_by_region for the first row of single, pue left out", "Same work, other electricity."
    )


def _edge():
    """Measured energy of ResNet-50 on edge devices, all scenarios."""
    edge = data.load_devices(segment="edge")["device_id"]
    rows = data.load_measurements("resnet50", division="closed", availability="available")
    return metrics.energy(rows[rows["power_w"].notna() & rows["device_id"].isin(edge)])


def _single():
    """Of each edge device the row with the least energy, one picture at a time, least first."""
    rows = _edge().query("scenario == 'single_stream'")
    return rows.sort_values("joules_per_inference").drop_duplicates("device_id")
