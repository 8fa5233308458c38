"""The gate: what may leave, how coarse, and where the box must not run at all."""
