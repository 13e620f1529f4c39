"""Files that are damaged, by chance or on purpose: how often that is noticed."""
