import numpy as np
import pytest

from mgd_lab.datasets import arrays
from mgd_lab.errors import DataError

TABLE = "a, b ,class\n0,0.5,0\n1,1.5,1\n\n2,2.5,1\n"


@pytest.fixture
def save(tmp_path):
    def save(text):
        path = tmp_path / "data.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return save


def test_the_last_column_is_the_target(save):
    data = arrays(save(TABLE))
    np.testing.assert_array_equal(data.inputs, [[0, 0.5], [1, 1.5], [2, 2.5]])
    np.testing.assert_array_equal(data.targets, [[0], [1], [1]])
    assert data.target_kind == "bit"


def test_several_last_columns(save):
    data = arrays(save(TABLE), targets=2)
    np.testing.assert_array_equal(data.inputs, [[0], [1], [2]])
    np.testing.assert_array_equal(data.targets, [[0.5, 0], [1.5, 1], [2.5, 1]])
    assert data.target_kind == "values"


def test_columns_by_name_in_the_order_named(save):
    data = arrays(save(TABLE), targets=["class", "a"])
    np.testing.assert_array_equal(data.inputs, [[0.5], [1.5], [2.5]])
    np.testing.assert_array_equal(data.targets, [[0, 0], [1, 1], [1, 2]])


def test_one_hot_columns_quotes_and_a_byte_order_mark(save):
    data = arrays(save(b'\xef\xbb\xbf"x","n","i"\r\n0,1,0\r\n1,0,1\r\n'), targets=2)
    assert data.target_kind == "one_hot"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("a,b\n", "no samples after the header"),
        ("1,2\n3,4\n", r"data\.csv:1: the first row holds numbers"),
        ("a,,b\n1,2,3\n", r"data\.csv:1: column 2 has no name"),
        ("a,b,a\n1,2,3\n", r"data\.csv:1: two columns are named 'a'"),
        ("a,b\n1,2\n3\n", r"data\.csv:3: 1 cells; expected 2"),
        ("a,b\n1,2,3\n", r"data\.csv:2: 3 cells; expected 2"),
        ("a,b\n1,2\n1,x\n", r"data\.csv:3: column 'b': 'x' is no number"),
        ("a,b\n1,\n", r"data\.csv:2: column 'b': '' is no number"),
        ("a,b\n1,1_0\n", r"data\.csv:2: column 'b': '1_0' is no number"),
        ("a,b\n1,nan\n", r"data\.csv:2: column 'b': nan is not finite"),
        ("a,b\n1,-inf\n", r"data\.csv:2: column 'b': -inf is not finite"),
        ("a,b\n1e39,2\n", r"inputs: sample 0, column 0 .*1e\+39 is beyond"),
        ("a\n1\n", "of 1 columns"),
        (b"a,b\n\xff,2\n", "not UTF-8 text"),
        (b"a,b\n\0,2\n", r"data\.csv"),
        ('a,b\n"1,2\n', "not a CSV file"),
    ],
)
def test_what_is_refused(save, text, words):
    with pytest.raises(DataError, match=words):
        arrays(save(text))


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (3, r"task\.targets is 3; of 3 columns, 1 to 2 can be targets"),
        (0, r"task\.targets is 0"),
        (["klass"], "names 'klass'; the columns are a, b, class"),
        (["a", "a"], "each once"),
        ([], "at least one column"),
        (["a", "b", "class"], "at least one input column"),
    ],
)
def test_target_columns_that_do_not_fit(save, targets, words):
    with pytest.raises(DataError, match=words):
        arrays(save(TABLE), targets=targets)
