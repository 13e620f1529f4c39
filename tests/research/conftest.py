"""What learns is tried with the models of its own tests."""

from ..learn.conftest import codec, model, photos, quick_run, weights

__all__ = ["codec", "model", "photos", "quick_run", "weights"]
