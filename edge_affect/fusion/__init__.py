"""One affect from several modalities and from time."""
