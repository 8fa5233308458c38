"""Figures from data sets, measured with the product's own code path."""
