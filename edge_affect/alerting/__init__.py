"""Trend, forecast, alerts and sound-event messages, from records alone; standard library only."""
