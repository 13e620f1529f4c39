"""Looking inside a file: what its tokens cost, and what the model makes of those it has not seen.

coders.py    coders that record, or that let the model go on where the file's tokens end
inside.py    a file's tokens, groups and bits, and its image after each step
figures.py   plots of these (needs matplotlib)
page.py      one HTML page with everything in it
report.py    all of it, as the files of a folder
"""
