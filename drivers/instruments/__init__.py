"""Drivers of bench instruments; the driver `bench` composes them into a chip."""
