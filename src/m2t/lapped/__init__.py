"""The lapped transforms in integers: pictures to tokens, tokens to the same pixels everywhere."""
