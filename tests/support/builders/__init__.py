"""Builders of test data, one module per subject; import what you need from the subject's module."""

from tests.support.builders.flash_sale import FlashSale

__all__ = ["FlashSale"]
