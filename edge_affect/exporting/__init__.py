"""Vectors in the formats of others."""
