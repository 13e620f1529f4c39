"""The paper's experiments on its entropy models, on the tokens of a frozen transform.

`python -m m2t.experiments figure5` runs one; cases.py says what each compares, scales.py at which
size, report.py writes docs/results.md.
"""
