"""Which symbols come next, and how they are distributed: the same mixtures on every machine.

predictor.py   drives a network group by group
slots.py       what each place of its sequence carries, predicts and may see
network.py     the masked transformer in integers, made of operations
operations.py  what operations there are
reference.py   the operations in NumPy, which define the others
native.py      the operations in C (core/, by way of engine/)
fastest.py     which of these a processor runs
"""
