"""Where blocks of sound and frames of pictures come from."""
