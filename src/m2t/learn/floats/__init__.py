"""Codecs whose weights are floats: their files decode where floats come out the same."""
