"""What all tests share."""

import pytest
from hypothesis import settings

# The same examples every time: a test that fails fails for everyone. Shared machines: no deadline.
settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")


@pytest.fixture(scope="session", autouse=True)
def _locks_of_their_own(tmp_path_factory):
    """Chips of tests are locked in a folder that goes away with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MGD_LAB_LOCK_DIR", str(tmp_path_factory.mktemp("locks")))
        yield
