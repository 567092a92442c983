"""Simulated instruments and emulated chips, for dry runs and for tests."""
