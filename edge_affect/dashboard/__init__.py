"""The page: what boxes say, shown in a browser; an MQTT subscriber in a process of its own."""
