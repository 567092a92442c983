"""What is demanded of a chip, a demand a module."""
