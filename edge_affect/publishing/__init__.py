"""Process 2: records in, MQTT out; no devices, no raw types."""
