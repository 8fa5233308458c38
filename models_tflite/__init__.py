"""Model files, their manifests and cards; data only, read through `edge_affect.perception`."""
