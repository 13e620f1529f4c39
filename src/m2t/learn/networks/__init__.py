"""Networks as they are trained: the transforms, the entropy model, and both together."""
