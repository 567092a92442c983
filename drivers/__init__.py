"""Drivers: how chips and instruments on a bench are reached."""
