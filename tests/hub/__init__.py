"""The room of the hub, tested against a real one on loopback."""
