"""The entropy model in integers: the same mixtures on every machine.

network.py     the masked transformer, made of operations
operations.py  what operations there are
reference.py   the operations in NumPy, which define the others
native.py      the operations in C (core/, by way of engine/), for CPUs
choice.py      which of these a processor runs
pytorch.py     the operations in PyTorch, on any device
products.py    sums of products for these: exact, by interchangeable kernels
on_device.py   which of these a device runs
calibrate.py   what a float model's activations are like
rounding.py    weights and activations to integers
export.py      from a trained float model to the integers
restore.py     and back
imitate.py     a float model that rounds as the integers will, for training
"""
