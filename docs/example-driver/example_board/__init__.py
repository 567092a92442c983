"""An example of a driver for MGD Lab."""
