"""Process 1: devices, models and memory; no network."""
