"""What all tests share."""

from hypothesis import settings

# The same examples every time: a test that fails fails for everyone. Shared machines: no deadline.
settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")
