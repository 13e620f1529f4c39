"""The entropy model in integers: the same mixtures on every machine.

arithmetic.py  what happens to single numbers: one rounding per operation, in a fixed order
products.py    sums of products: exact, so that no order matters; three interchangeable kernels
network.py     the masked transformer made of these
export.py      from a trained float model to the integers
"""
