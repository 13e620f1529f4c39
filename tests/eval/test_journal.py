import pytest

from m2t.errors import ConfigError
from m2t.eval.journal import Journal

KEY = ("jpeg", "1.0", "quality 5", "a.png", "00ff")


def test_goes_on_after_half_a_line(tmp_path):
    path = tmp_path / "new" / "j.jsonl"
    journal = Journal(path)
    journal.add(KEY, {"bpp": 0.5})
    whole = path.read_text()
    path.write_text(whole + '{"codec": "jp')
    again = Journal(path)
    assert again.rows == {KEY: {"bpp": 0.5}}
    assert path.read_text() == whole
    again.add(("webp", *KEY[1:]), {"bpp": 0.25})
    assert len(Journal(path).rows) == 2


def test_facts_of_one_key_add_up(tmp_path):
    path = tmp_path / "j.jsonl"
    journal = Journal(path)
    journal.add(KEY, {"bpp": 0.5, "flip": 0.1})
    journal.add(KEY, {"bpp": 0.5, "ssimulacra2": None})
    assert Journal(path).rows == journal.rows
    assert journal.rows == {KEY: {"bpp": 0.5, "flip": 0.1, "ssimulacra2": None}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"schema": 99}\n', "schema version 99; this m2t reads version 1"),
        ("[]\n", "not a result file"),
        ("", "not a journal"),
        ("nonsense\n", "not a journal"),
        ('{"schema": 1}\n{"x": 1}\n', "not a journal"),
    ],
)
def test_refuses_other_files(tmp_path, text, reason):
    path = tmp_path / "j.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError, match=reason):
        Journal(path)
    assert path.read_text() == text
