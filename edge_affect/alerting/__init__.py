"""Trend, forecast and alert rules over records; standard library only."""
