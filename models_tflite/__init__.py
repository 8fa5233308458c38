"""Shipped models: NAME.tflite, its manifest NAME.toml and its card NAME.md."""
