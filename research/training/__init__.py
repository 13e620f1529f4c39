"""Recipes of training compared: what runs cost and reached."""
