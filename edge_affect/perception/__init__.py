"""What models say about one window of sound or one frame."""
