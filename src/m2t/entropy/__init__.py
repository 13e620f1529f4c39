"""The entropy model: a masked transformer that predicts tokens from those already known."""
