"""Where things lie: windows and bands of tokens, and the order in which tokens are coded."""
