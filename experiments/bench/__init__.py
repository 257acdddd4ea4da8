"""Speed: the library against other implementations of the same arithmetic."""
