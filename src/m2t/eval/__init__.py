"""Measuring the codec, from the outside: files in, numbers and plots out."""
