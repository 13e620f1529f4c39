"""From trained floats to the integers that run, and back."""
