"""One error type with a helpful sentence, and the "did you mean" behind it."""

import difflib


class HwlibError(ValueError):
    """An error a person can act on: it names the argument, the value, what is allowed and the way out.

    >>> import hwlib as hw
    >>> try:
    ...     hw.load_devices("nvidia-t44")
    ... except hw.HwlibError as error:
    ...     print(error)
    unknown device 'nvidia-t44'; did you mean 'nvidia-t4' or 'nvidia-t4g' or 'nvidia-p4'? `hwlib devices` lists them.
    """


def nearest(value, allowed, n=3):
    """Up to `n` of the `allowed` words that look most like `value`, best first.

    >>> nearest("resnet5", ["resnet50", "resnet18", "bert-large"], n=1)
    ['resnet50']
    """
    words = {str(word).lower(): str(word) for word in allowed}
    wanted = str(value).lower()
    close = difflib.get_close_matches(wanted, words, n=n, cutoff=0.5)
    within = [word for word in words if wanted and wanted in word and word not in close]
    return [words[word] for word in (close + sorted(within, key=len))[:n]]


def unknown(argument, value, allowed, way_out=""):
    """An `HwlibError` that says `value` is not an allowed `argument`, with the nearest allowed ones.

    Parameters
    ----------
    argument : str
        What the caller passed, in words ("model", "column").
    value : object
        The value given.
    allowed : iterable of str
        Every allowed value; few are listed whole, many only by their nearest.
    way_out : str
        How to see them all, such as a command.

    >>> print(unknown("priority", "cots", ["cost", "latency"]))
    unknown priority 'cots'; did you mean 'cost'? Allowed: cost, latency.
    """
    allowed = [str(word) for word in allowed]
    close = nearest(value, allowed)
    text = f"unknown {argument} {value!r}"
    if close:
        text += "; did you mean " + " or ".join(repr(word) for word in close) + "?"
    else:
        text += "."
    if 0 < len(allowed) <= 12:
        text += " Allowed: " + ", ".join(allowed) + "."
    if way_out:
        text += f" {way_out}"
    return HwlibError(text)
