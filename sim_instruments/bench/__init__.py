"""Simulated instruments of a bench, wired to one simulated chip."""
