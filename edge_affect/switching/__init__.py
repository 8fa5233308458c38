"""The process that reads the mute and consent switches and drives the on-air light."""
