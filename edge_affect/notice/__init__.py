"""The notice for the wall: what this box does, for the people in front of it."""
