"""The paper's experiments on its entropy models, on the tokens of a frozen transform.

`python -m research.paper figure5` runs one; cases.py says what each compares, scales.py at which
size, ../results_page.py writes docs/results.md.
"""
