"""Named factors and conversions: the only place where 3600 or 1e6 may stand."""

SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 3_600
HOURS_PER_DAY = 24
HOURS_PER_YEAR = 8_760
MONTHS_PER_YEAR = 12
MS_PER_S = 1_000
NS_PER_MS = 1_000_000
W_PER_KW = 1_000
J_PER_KWH = W_PER_KW * SECONDS_PER_HOUR
OPS_PER_MAC = 2
GIGA = 10**9
TERA = 10**12
MILLION = 10**6
PER_100K = 100_000
PERCENT = 100


def ns_to_ms(nanoseconds):
    """Milliseconds for nanoseconds.

    >>> ns_to_ms(17_890_000)
    17.89
    """
    return nanoseconds / NS_PER_MS


def joules_to_kwh(joules):
    """Kilowatt-hours for joules.

    >>> joules_to_kwh(7_200_000)
    2.0
    """
    return joules / J_PER_KWH


def gmacs_to_tops(gmacs, per_s):
    """Tera-operations per second of `gmacs` billion multiply-accumulates done `per_s` times a second.

    A multiply-accumulate counts as two operations, as in every data sheet.

    >>> gmacs_to_tops(4.1, 1_000)
    8.2
    """
    return gmacs * GIGA * OPS_PER_MAC * per_s / TERA
