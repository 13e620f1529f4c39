"""Whether files mean the same tokens everywhere, and what the integers that see to it cost."""
