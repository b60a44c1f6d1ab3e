"""Checks of the capstone: form, not opinion. Whether a recommendation is wise is for the other team to say."""

import re
import shlex

from ..decision import Decision
from ..errors import HwlibError
from ..units import MS_PER_S, PERCENT
from ..workload import Workload, asked
from . import kinds
from .cases import card_of
from .verdicts import Verdict, not_yet

# A number by itself: the digits in "L40S" or "v1.1" are none.
NUMBER = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?")


def check_capstone_1(answer):
    """Verdict on whether a `Workload` is that of its card.

    >>> check_capstone_1(Workload("resnet50", requests_per_s=300, latency_ms=0.05, usd_per_hour=2))
    Not yet: latency_ms is in milliseconds, and 0.05 looks like seconds.
    """
    fault = kinds.empty(answer)
    if fault or not isinstance(answer, Workload):
        return not_yet(fault or f"a workload is asked, such as hw.Workload('resnet50', latency_ms=10); you gave {kinds.called(answer)}.")
    fault = _unlike(answer)
    return not_yet(fault) if fault else Verdict(True, "Every field is the card's.")


def check_capstone_2(answer):
    """Verdict on whether a decision was made for the workload of a card.

    >>> check_capstone_2("nvidia-t4")
    Not yet: a whole decision is asked, as hw.decide gives it; you gave text.
    """
    fault = _undecided(answer)
    return not_yet(fault) if fault else Verdict(True, "Read all its sentences: print(*answer_2.explain(), sep='\\n')")


def check_capstone_3(answer, decision):
    """Verdict on whether a written recommendation names what `decision` says: winner, runner-up, chance, a turning point, a source.

    >>> check_capstone_3(12, None)
    Not yet: a text in quotes is asked; you gave a number.
    """
    fault = kinds.empty(answer)
    if fault or not isinstance(answer, str):
        return not_yet(fault or f"a text in quotes is asked; you gave {kinds.called(answer)}.")
    fault = _undecided(decision)
    if fault:
        return not_yet(f"the decision of Task 2 comes first: {fault}")
    missing = [what for what, there in _parts(answer, decision).items() if not there]
    if missing:
        return not_yet("what is missing: " + "; ".join(missing) + ".")
    return Verdict(True, "Nothing is missing. Whether it is wise, the other team will say.")


def check_capstone_4(answer):
    """Verdict on whether a command renders the report of a card.

    >>> check_capstone_4("hwlib report resnet50 --set latency_ms=50")
    Not yet: the card also has requests_per_s, usd_per_hour.
    """
    fault = kinds.empty(answer)
    if fault or not isinstance(answer, str):
        return not_yet(fault or f"a command is asked, as text in quotes; you gave {kinds.called(answer)}.")
    try:
        words = shlex.split(answer)
        fault = _unlike(_commanded(words))
    except ValueError as error:
        # An HwlibError is a ValueError too; both say what is wrong with the text.
        fault = f"{str(error)[:1].lower()}{str(error)[1:]}"
    return not_yet(fault) if fault else Verdict(True, "Run it in a terminal, and open the page that it names.")


def _unlike(workload):
    """In what `workload` differs from its card, or None."""
    try:
        card = card_of(workload.model).changed()
    except HwlibError as error:
        return f"{error}."
    given = workload.changed()
    missing, more = [name for name in card if name not in given], [name for name in given if name not in card]
    if missing:
        return f"the card also has {', '.join(missing)}."
    if more:
        return f"the card says nothing of {', '.join(more)}: leave it out."
    return next((_slip(name, given[name], card[name]) for name in card if given[name] != card[name]), None)


def _slip(name, given, right):
    if name.endswith("_ms") and abs(given * MS_PER_S - right) < kinds.NEAR * right:
        return f"{name} is in milliseconds, and {given:g} looks like seconds."
    return f"{name} is not the card's."


def _undecided(decision):
    fault = kinds.empty(decision)
    if fault or not isinstance(decision, Decision):
        return fault or f"a whole decision is asked, as hw.decide gives it; you gave {kinds.called(decision)}."
    if decision.best is None:
        return "in this decision no option is left; is the workload the card's?"
    return _unlike(decision.workload)


def _parts(text, decision):
    """What a recommendation must name, in words -> whether `text` names it."""
    low, best = text.lower(), decision.best
    flips = decision.flips[decision.flips["answer"] != "batch_size"]["at"]
    numbers = [float(found) for found in NUMBER.findall(text.replace(",", ""))]
    chance = decision.p_best * PERCENT
    return {
        "the winner (best['device'])": _named(low, best),
        "the runner-up (runner_up['device'])": decision.runner_up is None or _named(low, decision.runner_up),
        "how sure it is, in percent (p_best)": re.search(r"%|percent", low) and any(abs(number - chance) <= 1 for number in numbers),
        "a turning point, with its number (flips, column at)": any(_close(number, at) for number in numbers for at in flips),
        "the source of the speed (best['source_id'])": best["source_id"] in low,
    }


def _named(low, option):
    """Whether the text has the device of `option`: its whole name, since L4 begins L40S."""
    names = (option["device"].lower(), option["device_id"])
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", low) for name in names)


def _close(number, at):
    return abs(number - float(at)) <= kinds.NEAR * float(at)


def _commanded(words):
    """The `Workload` that a command's `words` ask a report for."""
    if words[:2] != ["hwlib", "report"] or len(words) < 3 or len(words) % 2 == 0:
        raise HwlibError("a command starts with: hwlib report MODEL --set NAME=VALUE")
    options, settings = words[3::2], [pair.partition("=") for pair in words[4::2]]
    if set(options) - {"--set"} or not all(equals for _, equals, _ in settings):
        raise HwlibError("after the model comes, for each field, --set NAME=VALUE, without spaces around =")
    return asked(words[2], {name: _value(value) for name, _, value in settings})


def _value(text):
    return float(text) if NUMBER.fullmatch(text) else text
