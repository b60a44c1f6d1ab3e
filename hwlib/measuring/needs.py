"""Third parties of the extra `measure`: loaded when first needed, and named when they are not there."""

import importlib

from ..errors import HwlibError

INSTALL = "`pip install hwlib[measure]`"


def need(module):
    """The third-party `module`, imported.

    Raises
    ------
    HwlibError
        Saying what to install where it is missing.

    >>> need("onnx").__name__
    'onnx'
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise HwlibError(f"{module} is not installed; {INSTALL} brings it") from None
