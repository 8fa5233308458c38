"""edge-affect: how a scene feels, never who is in it."""

__version__ = "0.1.0"
