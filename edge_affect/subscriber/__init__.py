"""Boxes as somebody at the broker sees them: a plain MQTT subscriber, for pages and terminals."""
