"""Inference Hardware Workbook: measured figures, dated prices and stated errors for choosing inference hardware."""

__version__ = "0.1.0"
