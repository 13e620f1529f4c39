"""What makes the numbers and pictures of the documents: no part of the installed package.

Run from the root of the checkout by the scripts of runs/; README.md tells which by which.
"""
