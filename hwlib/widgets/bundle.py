"""The board's script with Vega, Vega-Lite and Vega-Embed in it: 0.9 MB, so that nothing is fetched."""

import functools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
VEGA_LITE_BUNDLE = "6.4"


@functools.cache
def start():
    """The script in the making, which takes a second: what else an explorer needs is loaded meanwhile."""
    return ThreadPoolExecutor(1).submit(_build)


def script():
    """The script, once it is made."""
    return start().result()


def _build():
    import vl_convert

    return vl_convert.javascript_bundle((HERE / "board.js").read_text(encoding="utf-8"), vl_version=VEGA_LITE_BUNDLE)
