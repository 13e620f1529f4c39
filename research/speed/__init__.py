"""How long parts of the codec take that `m2t bench` does not time."""
