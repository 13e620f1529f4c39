"""What only the encoder does: nothing of it reaches the decoder but the tokens."""
