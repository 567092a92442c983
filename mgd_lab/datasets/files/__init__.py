"""Official files of data sets: where they are, whether they are genuine, and fetching them."""

from mgd_lab.datasets.files.fetching import Fetched, fetch
from mgd_lab.datasets.files.folders import (
    VARIABLE,
    Found,
    files_in,
    home_of_fetched,
    how_to_get,
    locate,
    search,
    search_folders,
)
from mgd_lab.datasets.files.judging import Checksums
from mgd_lab.datasets.files.official import (
    CIFAR10,
    FASHION_MNIST,
    OFFICIAL_SETS,
    Download,
    OfficialFile,
    OfficialSet,
)
from mgd_lab.datasets.files.resuming import Observer
from mgd_lab.datasets.files.verifying import Verdict, verify_files

__all__ = [
    "CIFAR10",
    "FASHION_MNIST",
    "OFFICIAL_SETS",
    "VARIABLE",
    "Checksums",
    "Download",
    "Fetched",
    "Found",
    "Observer",
    "OfficialFile",
    "OfficialSet",
    "Verdict",
    "fetch",
    "files_in",
    "home_of_fetched",
    "how_to_get",
    "locate",
    "search",
    "search_folders",
    "verify_files",
]
