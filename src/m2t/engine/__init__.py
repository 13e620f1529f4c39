"""The core from Python, and its reference in NumPy."""
