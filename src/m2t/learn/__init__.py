"""The learning half: networks in PyTorch, their training, and what makes integers of them.

Nothing that compresses or decompresses with exported weights imports it.
"""
