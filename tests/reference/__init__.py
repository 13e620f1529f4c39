"""A decoder that follows the documents, docs/format.md and docs/decoding.md, section by section.

It is slow, and as short as it can be: no threads, no cache, whole pictures, Python's own integers
where bits are decoded. It shares nothing with `m2t`, so that each is a test of the other, and of
the documents. Who ports m2t to another language may start here, and read:

    reader.py      bytes and numbers from the front to the back
    container.py   the file: header, chunks, strips, layers
    weights.py     the model's file, and its id
    schedule.py    windows of a picture, and the order of their tokens
    rans.py        streams and distributions to symbols
    operations.py  the few operations that models are made of
    slots.py       what the transformer sees
    network.py     the transformer: which distributions come next
    window.py      all of that together, for one window
    synthesis.py   tokens to pixels
    decoder.py     the whole story

Besides NumPy, it takes a reader of PNG files for opacity: Pillow's.
"""
