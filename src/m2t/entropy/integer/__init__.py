"""The entropy model in integers: the same mixtures on every machine.

arithmetic.py  the bounds that keep sums exact
network.py     the masked transformer, made of operations
operations.py  what operations there are
pytorch.py     the operations in PyTorch, on any device
products.py    sums of products for these: exact, three interchangeable kernels
native.py      the operations in C (_native.c), for CPUs
choice.py      which of them a machine runs
calibrate.py   what a float model's activations are like
rounding.py    weights and activations to integers
export.py      from a trained float model to the integers
restore.py     and back
imitate.py     a float model that rounds as the integers will, for training
"""
