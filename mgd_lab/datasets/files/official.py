"""Data sets that come as files of somebody else: names, checksums, where to get them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

OfficialName = Literal["fashion_mnist", "cifar10"]


@dataclass(frozen=True)
class OfficialFile:
    """A file as the program reads it, with or without a gzip wrapping of whatever making.

    Attributes:
        name: without `.gz`.
        sha256: of the contents, not of the wrapping.
        size: of the contents, in bytes.
    """

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Download:
    """A file as it is offered for download: one of the files in a wrapping, or an archive of them.

    Attributes:
        name: below the URL of the data set.
        sha256: of the official download; mirrors may wrap the same contents differently.
        size: likewise, in bytes.
    """

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class OfficialSet:
    """A data set with an official test split.

    Attributes:
        name: in experiment files.
        title: as people call it.
        folder: in which its files lie, below any folder of data sets.
        url: where its downloads are, ends in a slash.
        shape: (channels, rows, columns) of an image.
        samples: of training and of test.
        package: Debian's package of it, or nothing.
    """

    name: OfficialName
    title: str
    folder: str
    files: tuple[OfficialFile, ...]
    url: str
    downloads: tuple[Download, ...]
    shape: tuple[int, int, int]
    samples: tuple[int, int]
    classes: tuple[str, ...]
    package: str = ""


# Xiao, Rasul, Vollgraf, arXiv:1708.07747; MIT licence.
FASHION_MNIST = OfficialSet(
    name="fashion_mnist",
    title="Fashion-MNIST",
    folder="fashion-mnist",
    files=(
        OfficialFile(
            "train-images-idx3-ubyte",
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            47_040_016,
        ),
        OfficialFile(
            "train-labels-idx1-ubyte",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            60_008,
        ),
        OfficialFile(
            "t10k-images-idx3-ubyte",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            7_840_016,
        ),
        OfficialFile(
            "t10k-labels-idx1-ubyte",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            10_008,
        ),
    ),
    url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    downloads=(
        Download(
            "train-images-idx3-ubyte.gz",
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            26_421_880,
        ),
        Download(
            "train-labels-idx1-ubyte.gz",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            29_515,
        ),
        Download(
            "t10k-images-idx3-ubyte.gz",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            4_422_102,
        ),
        Download(
            "t10k-labels-idx1-ubyte.gz",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            5_148,
        ),
    ),
    shape=(1, 28, 28),
    samples=(60_000, 10_000),
    classes=(
        *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    ),
    package="dataset-fashion-mnist",
)

CIFAR10_TEST = "test_batch.bin"
_CIFAR10_CONTENTS = (
    ("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
    ("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
    ("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
    ("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
    ("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
    (CIFAR10_TEST, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
)

# Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
CIFAR10 = OfficialSet(
    name="cifar10",
    title="CIFAR-10",
    folder="cifar-10-batches-bin",
    files=tuple(OfficialFile(name, sha256, 30_730_000) for name, sha256 in _CIFAR10_CONTENTS),
    url="https://www.cs.toronto.edu/~kriz/",
    downloads=(
        # Published with the MD5 c32a1d4ab5d03f1284b67883e8d87530.
        Download(
            "cifar-10-binary.tar.gz",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            170_052_171,
        ),
    ),
    shape=(3, 32, 32),
    samples=(50_000, 10_000),
    classes=(
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
)

OFFICIAL_SETS: Mapping[OfficialName, OfficialSet] = {
    official.name: official for official in (FASHION_MNIST, CIFAR10)
}
