"""The integer entropy network in PyTorch, for GPUs: the same results, or it is not used."""
