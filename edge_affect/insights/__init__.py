"""Recordings in, tables out: the live path over whole folders, on one machine or a cluster."""
